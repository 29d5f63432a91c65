import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  makeBlock,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation } from '../../feeds/entry.ts';
import type { Handle, SiteName } from '../handle-grammar.ts';
import { HANDLE, OWNERSHIP, SITE } from '../records.ts';
import { readRecord } from '../state.ts';
import { handleRegister, handleRenew } from './handles.ts';
import { sitePublish } from './sites.ts';

const YEAR = 365 * 86_400_000;

async function found(): Promise<{ world: World; alice: Person; bob: Person }> {
  const [alice, bob] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bob')];
  const world = createWorld([alice, bob], { handles: [{ handle: 'docs', owner: alice.identity }] });
  return { world, alice, bob };
}

/** The outcome of one entry in a block of its own. */
async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

function leaseOf(world: World, handle: string) {
  return readRecord(world.state, HANDLE, handle as Handle);
}

function handlesOf(world: World, person: Person) {
  return readRecord(world.state, OWNERSHIP, person.identity)?.handles;
}

const register = (handle: string) => handleRegister.create({ handle });
const renew = (handle: string) => handleRenew.create({ handle });

describe('HD4: registering', () => {
  test('leases a free handle for a year of block time, in generation 1', async () => {
    const { world, alice } = await found();
    expect(await act(world, alice, register('alice'))).toBe('ok');
    const lease = { owner: alice.identity, generation: 1, lease: world.time + YEAR, sites: [] };
    expect(leaseOf(world, 'alice')).toEqual(lease);
    expect(handlesOf(world, alice)).toEqual(['docs', 'alice']);
  });

  test('does not take what somebody holds, nor again what one holds oneself', async () => {
    const { world, alice, bob } = await found();
    await act(world, alice, register('alice'));
    expect(await act(world, bob, register('alice'))).toBe('handle_taken');
    expect(await act(world, alice, register('alice'))).toBe('already_known');
  });

  test('HD1, HD5: refuses what is no handle, and reserved words', async () => {
    const { world, bob } = await found();
    for (const word of ['ab', 'Alice', 'a--b', '@bob', 'bafybeigdyrzt5sfp7udm7']) {
      expect(await act(world, bob, register(word))).toBe('handle_invalid');
    }
    expect(await act(world, bob, register('admin'))).toBe('handle_reserved');
    expect(await act(world, bob, register('docs'))).toBe('handle_taken');
  });
});

describe('HD6: three handles each', () => {
  test('are the limit, granted ones included', async () => {
    const { world, alice, bob } = await found();
    expect(await act(world, bob, register('one'), register('two'), register('three'))).toBe('ok');
    expect(await act(world, bob, register('four'))).toBe('account_limit');
    expect(await act(world, alice, register('four'), register('five'))).toBe('ok');
    expect(await act(world, alice, register('six'))).toBe('account_limit');
  });

  test('count only while their lease runs', async () => {
    const { world, bob } = await found();
    await act(world, bob, register('one'), register('two'), register('three'));
    world.time += YEAR;
    expect(await act(world, bob, register('four'))).toBe('ok');
    expect(handlesOf(world, bob)).toEqual(['four']);
    expect(await act(world, bob, renew('one'), renew('two'))).toBe('ok');
    expect(handlesOf(world, bob)).toEqual(['four', 'one', 'two']);
    expect(await act(world, bob, renew('three'))).toBe('account_limit');
  });
});

describe('HD7: renewing', () => {
  test('leases for a year from now, as often as one likes', async () => {
    const { world, alice } = await found();
    await act(world, alice, register('alice'));
    world.time += YEAR / 2;
    expect(await act(world, alice, renew('alice'))).toBe('ok');
    expect(await act(world, alice, renew('alice'))).toBe('ok');
    expect(leaseOf(world, 'alice')).toMatchObject({ lease: world.time + YEAR, generation: 1 });
  });

  test('is for the owner only', async () => {
    const { world, alice, bob } = await found();
    await act(world, alice, register('alice'));
    expect(await act(world, bob, renew('alice'))).toBe('not_owner');
    expect(await act(world, bob, renew('nobody'))).toBe('not_owner');
    expect(await act(world, bob, renew('x'))).toBe('handle_invalid');
  });

  test('works after the lease ended, by either operation, and keeps generation and sites', async () => {
    const { world, alice } = await found();
    const version = { handle: 'alice' as Handle, name: '' as SiteName, seq: 1, manifest: cidOf('manifest') };
    await act(world, alice, register('alice'), sitePublish.create(version));
    world.time += YEAR;
    expect(await act(world, alice, register('alice'))).toBe('ok');
    world.time += YEAR;
    expect(await act(world, alice, renew('alice'))).toBe('ok');
    const { owner } = leaseOf(world, 'alice')!;
    expect(leaseOf(world, 'alice')).toEqual({ owner, generation: 1, lease: world.time + YEAR, sites: [''] });
    expect(handlesOf(world, alice)).toEqual(['docs', 'alice']);
  });

  test('keeps a reserved word with the owner that genesis gave it to', async () => {
    const { world, alice, bob } = await found();
    world.time = START + YEAR;
    expect(await act(world, bob, register('docs'))).toBe('handle_reserved');
    expect(await act(world, alice, renew('docs'))).toBe('ok');
  });
});

describe('HD8: a handle whose lease has ended', () => {
  test('can be taken: a new generation, none of the old sites, and not in the old owner’s list', async () => {
    const { world, alice, bob } = await found();
    const version = { handle: 'shop' as Handle, seq: 1, manifest: cidOf('manifest') };
    const sites = ['', 'blog'].map((name) => sitePublish.create({ ...version, name: name as SiteName }));
    await act(world, alice, register('shop'), ...sites);
    const site = (name: string) => readRecord(world.state, SITE, { handle: version.handle, name: name as SiteName });
    expect([site('')?.seq, site('blog')?.seq]).toEqual([1, 1]);

    world.time = leaseOf(world, 'shop')!.lease - 1_001;
    expect(await act(world, bob, register('shop'))).toBe('handle_taken');
    expect(await act(world, bob, register('shop'))).toBe('ok');
    expect(leaseOf(world, 'shop')).toMatchObject({ owner: bob.identity, generation: 2, sites: [] });
    expect([site(''), site('blog')]).toEqual([undefined, undefined]);
    expect(handlesOf(world, alice)).toEqual(['docs']);
    expect(await act(world, alice, renew('shop'))).toBe('not_owner');
    expect(await act(world, bob, sitePublish.create({ ...version, name: '' as SiteName }))).toBe('ok');
  });
});
