// A small group to test the ledger in: people with real or stubbed signatures, and a chain of executed blocks.

import type { Genesis } from '../../shared/chain/genesis.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { assert } from '../../shared/core/assert.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import {
  feedIdFromBytes,
  identityFromKey,
  publicKeyBytes,
  publicKeyFromBytes,
  type FeedId,
  type Identity,
  type PublicKey,
} from '../../shared/crypto/ids.ts';
import { isKeyEncoding } from '../../shared/crypto/key-encoding.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { readEntryChanges } from '../../shared/feeds/document-change.ts';
import {
  createEntry,
  parseEntry,
  type EntryBody,
  type Operation,
  type VerifiedEntry,
} from '../../shared/feeds/entry.ts';
import { verifyEntry } from '../../shared/feeds/verify-entry.ts';
import { advanceFeed, nextEntryBody, openFeed, type EntryContent, type FeedWriter } from '../../shared/feeds/feed.ts';
import { openBlock, type OpenBlock } from '../../shared/ledger/admission.ts';
import { verifyAuthorisations } from '../../shared/ledger/authorisations.ts';
import { EMPTY_INDEX, extendIndex, type DocumentIndex } from '../../shared/ledger/document-index.ts';
import { executeBlock, type ExecutedBlock } from '../../shared/ledger/execute.ts';
import { memberJoin } from '../../shared/ledger/families/membership.ts';
import { createGenesisState } from '../../shared/ledger/genesis-state.ts';
import { searchPuzzle } from '../../shared/ledger/puzzle.ts';
import { RECENT } from '../../shared/ledger/records.ts';
import { readRecord, type State } from '../../shared/ledger/state.ts';
import type { Signer, Verifier } from '../../shared/platform/ports.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { readTestChanges } from './document-changes.ts';

export const GROUP: Cid = cidOf('the group of the tests');
export const START = 1_790_000_000_000;
const BITS = 4;
const SECOND = 1_000;

export type Person = { readonly identity: Identity; readonly signer: Signer; writer: FeedWriter };

/** The chain so far; makeBlock moves it on. */
export type World = {
  state: State;
  parentId: Cid;
  height: number;
  time: number;
  index: DocumentIndex;
};

export function cidOf(text: string): Cid {
  return cidFromDigest('dag-cbor', sha256(encodeUtf8(text)));
}

export function feedIdOf(text: string): FeedId {
  return feedIdFromBytes(sha256(encodeUtf8(text)).slice(0, 8));
}

/** Another device of the same owner has the same `owner` and another `device`. */
export async function createPerson(owner: string, device = 'first'): Promise<Person> {
  return equipPerson(createSeedSigner(seedOf(owner)), {
    signer: createSeedSigner(seedOf(`${owner}/${device}`)),
    owner,
    device,
  });
}

/** The same without real signatures: what is signed is never checked. */
export async function createUnsignedPerson(owner: string, device = 'first'): Promise<Person> {
  return equipPerson(unsignedSigner(owner), { signer: unsignedSigner(`${owner}/${device}`), owner, device });
}

/** `real`: through verifyEntry; else the structure is parsed and the signature taken as good. */
export async function write(
  person: Person,
  ops: readonly Operation[],
  content: Partial<EntryContent> = {},
): Promise<VerifiedEntry> {
  const body = nextEntryBody(person.writer, { time: START, ops, ...content });
  const entry = await sign(person, body);
  person.writer = advanceFeed(person.writer, { seq: body.seq, head: entry.id });
  return entry;
}

/** An entry with just this body, which need not be the next one. */
export async function sign(person: Person, body: EntryBody): Promise<VerifiedEntry> {
  const { bytes } = await createEntry({ body, signer: person.signer });
  if (unsigned.has(person.signer)) {
    const parsed = parseEntry(bytes);
    assert(parsed.ok, 'the test wrote an entry that does not parse');
    const { id, body: read, size } = parsed.value;
    const changes = readEntryChanges({ body: read, author: person.identity, read: readTestChanges });
    const { identity } = person;
    return { id, body: read, identity, bytes, size, changes, authorised: true } as VerifiedEntry;
  }
  const identityOfDevice = (): Identity => person.identity;
  const verified = await verifyEntry(bytes, {
    group: GROUP,
    verifier: await webVerifier(),
    identityOfDevice,
    authorise: verifyAuthorisations,
    readChanges: readTestChanges,
  });
  assert(verified.ok, verified.ok ? '' : verified.error.because);
  return verified.value;
}

/** The join of a stranger, with its puzzle solved for the newest block. */
export function join(world: World, person: Person, bits = BITS): Operation {
  const block = world.parentId;
  const { nonce } = searchPuzzle({
    group: GROUP,
    identity: person.identity,
    block,
    bits,
    from: 0,
    count: 1_000_000,
  });
  assert(nonce !== undefined, 'the puzzle of the tests is easy');
  return memberJoin.create({ block, nonce, sealingKey: new Uint8Array(32) });
}

export function createWorld(
  founders: readonly Person[],
  changes: Partial<Pick<Genesis, 'join' | 'handles' | 'validators' | 'f'>> & {
    policy?: Partial<Genesis['policy']>;
  } = {},
): World {
  const {
    join: joinRule = 'open+puzzle',
    handles = [],
    policy,
    validators = [unsignedSigner('validator').key],
    f = 0,
  } = changes;
  const state = createGenesisState({
    created: START,
    join: joinRule,
    policy: { puzzleBits: BITS, operationsPerDay: 1_000, bytesPerDay: 10_000_000, blockInterval: SECOND, ...policy },
    members: founders.map(({ identity }, at) => ({ identity, role: at === 0 ? 'admin' : 'member' })),
    handles,
    validators,
    f,
  });
  assert(state.ok, 'the genesis of the tests is good');
  return { state: state.value, parentId: GROUP, height: 0, time: START, index: EMPTY_INDEX };
}

export function nextBlock(world: World): OpenBlock {
  const { state, parentId } = world;
  return openBlock({ state, parentId, blockTime: world.time + SECOND, height: world.height + 1 });
}

/** Executes a block that must be valid and moves the world on. */
export function makeBlock(
  world: World,
  entries: readonly VerifiedEntry[],
  header: { readonly proposer?: PublicKey; readonly time?: number } = {},
): ExecutedBlock {
  const { time: blockTime = world.time + SECOND, ...rest } = header;
  const height = world.height + 1;
  const { state, parentId, index } = world;
  const executed = executeBlock({ state, parentId, blockTime, height, index, entries, ...rest });
  assert(executed.ok, executed.ok ? '' : executed.error.because);
  world.state = executed.value.state;
  world.parentId = cidOf(`block ${height} on ${parentId}`);
  world.height = height;
  world.index = extendIndex(index, executed.value.accepted);
  world.time = blockTime;
  return executed.value;
}

/** What became of an entry in an executed block. */
export function outcomeOf(executed: ExecutedBlock, entry: VerifiedEntry): string | undefined {
  return executed.receipts.find((receipt) => receipt.entry === entry.id)?.code;
}

export function recentBlocks(world: World): readonly Cid[] {
  return readRecord(world.state, RECENT, 'recent') ?? [];
}

async function equipPerson(root: Signer, given: { signer: Signer; owner: string; device: string }): Promise<Person> {
  const { signer, owner, device } = given;
  const certificate = await createDeviceCertificate({ signer: root, device: signer.key, name: device, issued: START });
  const feed = feedIdOf(`${owner}/${device}`);
  return {
    identity: identityFromKey(publicKeyBytes(root.key)),
    signer,
    writer: openFeed({ group: GROUP, device: signer.key, feed, certificate }),
  };
}

const unsigned = new WeakSet<Signer>();

/** A key that only looks like one. */
function unsignedSigner(name: string): Signer {
  let bytes = seedOf(name);
  while (!isKeyEncoding(bytes)) bytes = sha256(bytes);
  const key = publicKeyFromBytes(bytes);
  assert(key.ok, 'the loop above stops at a key');
  const signer: Signer = { key: key.value, sign: () => Promise.resolve(new Uint8Array(64)) };
  unsigned.add(signer);
  return signer;
}

function seedOf(name: string): Uint8Array<ArrayBuffer> {
  return sha256(encodeUtf8(name));
}

let verifier: Promise<Verifier> | undefined;

function webVerifier(): Promise<Verifier> {
  verifier ??= createWebVerifier();
  return verifier;
}
