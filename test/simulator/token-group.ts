// A group with tokens in which named people act, for the tests of families: after every entry its books must balance.

import type { TokenPolicy } from '../../shared/chain/token-policy.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { ASSETS, type Asset } from '../../shared/ledger/account-records.ts';
import { balanceOf } from '../../shared/ledger/funds.ts';
import type { RecordType } from '../../shared/ledger/records.ts';
import { readRecord, stateEntries } from '../../shared/ledger/state.ts';
import { createPerson, createUnsignedPerson, createWorld, makeBlock, write, type Person } from './ledger-world.ts';
import { countTokens, giveTokens, TOKENS } from './tokens.ts';

/** What each member but the admin begins with, of each asset. */
export const BEGINNING = 1_000n;

/** `tokens: null`: a group that has none. `signed`: keys and signatures are real. */
type Wanted = { readonly tokens?: Partial<TokenPolicy> | null; readonly signed?: boolean };

/** The first name is the admin's. */
export async function openTokenGroup<const N extends string>(names: readonly N[], wanted: Wanted = {}) {
  const { tokens = {}, signed = false } = wanted;
  const create = signed ? createPerson : createUnsignedPerson;
  const people = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await create(name)] as const)),
  ) as Record<N, Person>;
  const policy = { read: 'members', ...(tokens && { tokens: { ...TOKENS, ...tokens } }) } as const;
  const world = createWorld(
    names.map((name) => people[name]),
    { join: 'invite', policy },
  );
  for (const name of tokens === null ? [] : names.slice(1)) {
    for (const asset of ASSETS) giveTokens(world, { asset, to: people[name].identity, amount: BEGINNING });
  }

  /** The code of the one entry of the next block, which `days` more have passed before. */
  async function act(author: Person, ops: Operation | readonly Operation[], days = 0): Promise<string | undefined> {
    const entry = await write(author, Array.isArray(ops) ? ops : [ops as Operation]);
    const time = world.time + 1_000 + days * 86_400_000;
    const code = makeBlock(world, [entry], { time }).receipts[0]?.code;
    for (const asset of ASSETS) {
      const { held, issued } = countTokens(world.state, asset);
      if (held !== issued) throw new Error(`the books of ${asset} do not balance: ${held} held, ${issued} issued`);
    }
    return code;
  }

  function free({ identity }: Person, asset: Asset = 'consumer'): bigint {
    return balanceOf(world.state, { asset, identity, blockTime: world.time }).free;
  }

  function read<Id, T>(type: RecordType<Id, T>, id: Id): T | undefined {
    return readRecord(world.state, type, id);
  }

  /** Keys of state below a prefix. */
  function keys(prefix: string): readonly string[] {
    return [...stateEntries(world.state)].map(([key]) => key).filter((key) => key.startsWith(prefix));
  }

  return { world, people, act, free, read, keys };
}
