// The commons of a data folder: founded there, alone or with the nodes of others, or taken over from whoever founded it.

import type { Cid } from '../shared/codec/cid.ts';
import type { Genesis } from '../shared/chain/genesis.ts';
import type { Cofounder } from '../shared/chain/group-genesis.ts';
import type { Random, Signer, Store } from '../shared/platform/ports.ts';
import { decodeGenesis, encodeGenesis, type Founding } from '../shared/chain/genesis.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { COMMONS_BLOCK_INTERVAL_MIN } from '../shared/core/limits.ts';
import { identityFromKey, publicKeyBytes } from '../shared/crypto/ids.ts';
import { sealingKeyOfSeed } from '../shared/crypto/x25519.ts';
import { formatOffer } from '../shared/node/founder-offer.ts';
import { createSeedSigner } from '../shared/platform/web/seed-signer.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import { createWebRandom } from '../shared/platform/web/web-crypto.ts';
import { openSqliteStore } from './platform/sqlite-store.ts';

/** The handle under which the founder's node publishes the project's docs. */
export const DOCS = 'docs';

const GENESIS_KEY = 'genesis';
const KEY_NAMES = ['identity', 'device', 'validator', 'sealing'] as const;
const SEED_BYTES = 32;
/** The local commons asks for little work: it serves one machine. A public one asks for 21 bits. */
const LOCAL_PUZZLE_BITS = 14;
/** Above it each further as many within the hour cost twice the work: a commons that grows faster than this is looked at. */
const JOINS_PER_HOUR = 256;
const OPERATIONS_PER_DAY = 10_000;
const BYTES_PER_DAY: number = 64 * 1024 * 1024;

export type FoundedCommons = {
  readonly commons: Cid;
  /** Base64 of the genesis. */
  readonly genesis: string;
  readonly isNew: boolean;
};

export type Keys = {
  readonly identity: Signer;
  readonly device: Signer;
  readonly validator: Signer;
  readonly sealingKey: Uint8Array;
};

/**
 * Makes the commons of a data folder if it has none; `others` run validators of it from the beginning. Needs no network.
 * Throws StoreError when the folder is in use.
 */
export function foundCommons(folder: string, others: readonly Cofounder[] = []): Promise<FoundedCommons> {
  return inFolder(folder, async (store) => {
    const present = await store.get(GENESIS_KEY);
    const genesis = present ?? encodeGenesis(createCommons(await ensureKeys(store), others));
    const founding = decodeFounding(genesis);
    if (!present) await store.write({ put: [{ key: GENESIS_KEY, value: genesis }] }, 'strict');
    return { commons: founding.group, genesis: Buffer.from(genesis).toString('base64'), isNew: !present };
  });
}

/** What whoever founds a commons with this folder's node needs of it, as a text. Its keys are made with the first. */
export function offerToFound(folder: string): Promise<string> {
  return inFolder(folder, async (store) => {
    const { identity, validator, sealingKey } = await ensureKeys(store);
    return formatOffer({
      identity: identityFromKey(publicKeyBytes(identity.key)),
      sealingKey,
      validator: validator.key,
    });
  });
}

/** Takes over a commons that somebody founded with this folder's node. `text`: base64 of its genesis. */
export function adoptCommons(
  folder: string,
  text: string,
): Promise<Result<FoundedCommons, Failure<'bad_genesis' | 'not_a_validator' | 'already_founded'>>> {
  return inFolder(folder, async (store) => {
    const genesis = Uint8Array.from(Buffer.from(text, 'base64'));
    const founding = decodeGenesis(genesis);
    if (!founding.ok) return founding;
    const { group, set } = founding.value;
    const present = await store.get(GENESIS_KEY);
    if (present && decodeFounding(present).group !== group) {
      return fail('already_founded', 'This folder has another commons: choose a new folder with --data.');
    }
    const { validator } = await ensureKeys(store);
    if (!set.keys.includes(validator.key)) {
      return fail(
        'not_a_validator',
        'That commons was founded without this folder: give its offer to whoever founds it.',
      );
    }
    if (!present) await store.write({ put: [{ key: GENESIS_KEY, value: genesis }] }, 'strict');
    return ok({ commons: group, genesis: text, isNew: !present });
  });
}

export async function readFounding(store: Store): Promise<Founding | null> {
  const genesis = await store.get(GENESIS_KEY);
  return genesis ? decodeFounding(genesis) : null;
}

export async function loadKeys(store: Store): Promise<Keys> {
  const [identity, device, validator, sealing] = await Promise.all(KEY_NAMES.map((name) => store.get(`keys/${name}`)));
  if (!identity || !device || !validator || !sealing) {
    throw new Error('The keys of this node are missing: the folder is not whole.');
  }
  return {
    identity: createSeedSigner(identity),
    device: createSeedSigner(device),
    validator: createSeedSigner(validator),
    sealingKey: sealingKeyOfSeed(sealing),
  };
}

/** Identity, device and validator keys are drawn with the store they live in, and are in no backup of their own. */
async function ensureKeys(store: Store, random: Random = createWebRandom()): Promise<Keys> {
  if (!(await store.get(`keys/${KEY_NAMES[0]}`))) {
    const put = KEY_NAMES.map((name) => ({ key: `keys/${name}`, value: random.bytes(SEED_BYTES) }));
    await store.write({ put }, 'strict');
  }
  return await loadKeys(store);
}

function createCommons(keys: Keys, others: readonly Cofounder[]): Genesis {
  const identity = identityFromKey(publicKeyBytes(keys.identity.key));
  const members = new Set([identity, ...others.map((other) => other.identity)]);
  const validators = [...new Set([keys.validator.key, ...others.map(({ validator }) => validator)])];
  return {
    v: 1,
    name: 'local commons',
    created: createWebClock().now(),
    join: 'open+puzzle',
    policy: {
      puzzleBits: LOCAL_PUZZLE_BITS,
      joinsPerHour: JOINS_PER_HOUR,
      operationsPerDay: OPERATIONS_PER_DAY,
      bytesPerDay: BYTES_PER_DAY,
      blockInterval: COMMONS_BLOCK_INTERVAL_MIN,
    },
    members: [...members].map((member) => ({ identity: member, role: 'admin' })),
    validators,
    // As many cheats as so many validators can bear (CH1).
    f: Math.floor((validators.length - 1) / 3),
    recovery: { identities: [identity], threshold: 1 },
    handles: [{ handle: DOCS, owner: identity }],
  };
}

async function inFolder<T>(folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqliteStore(folder);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function decodeFounding(genesis: Uint8Array): Founding {
  const founding = decodeGenesis(genesis);
  if (!founding.ok) throw new Error(`The genesis in this folder cannot be read: ${founding.error.because}`);
  return founding.value;
}
