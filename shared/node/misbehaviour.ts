// Who was proven to cheat in a group: validators that contradicted themselves, and devices whose feed is forked (LG46, LG127).

import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import { parseFeedId, parsePublicKey } from '../crypto/ids.ts';
import type { Store } from '../platform/ports.ts';
import { parseEntry } from '../feeds/entry.ts';
import { readEvidence, validatorEvidence, type Evidence } from '../ledger/families/evidence.ts';
import { decodeRecord, DEVICE, FEED } from '../ledger/records.ts';
import { readRecord, stateEntries, type State } from '../ledger/state.ts';
import { VALIDATOR } from '../ledger/validator-records.ts';
import { loadBlock } from './chain-store.ts';

/** `height`: of the block that took the validator out. `evidence` is null where this device has not kept that block. */
export type ContradictedVotes = {
  readonly kind: 'votes';
  readonly key: PublicKey;
  readonly identity: Identity | null;
  readonly height: number;
  readonly evidence: Evidence | null;
};

/** `seq`: the number that two entries of the feed have; what of it had been ordered by then stays. */
export type ForkedFeed = {
  readonly kind: 'feed';
  readonly feed: FeedId;
  readonly device: PublicKey;
  readonly identity: Identity | null;
  readonly seq: number;
};

export type Misbehaviour = ContradictedVotes | ForkedFeed;

/** As of the last final block; walks all of state: for views, not for rules. */
export async function readMisbehaviour(state: State, store: Store): Promise<readonly Misbehaviour[]> {
  const votes: ContradictedVotes[] = [];
  const feeds: ForkedFeed[] = [];
  for (const [key, value] of stateEntries(state)) {
    const [family, name = ''] = key.split('/');
    if (family === 'validators') votes.push(...(await readContradiction(name, value, store)));
    if (family === 'feeds') feeds.push(...readForked(name, { value, state }));
  }
  return [...votes.toSorted((a, b) => b.height - a.height), ...feeds];
}

async function readContradiction(name: string, value: Uint8Array, store: Store): Promise<ContradictedVotes[]> {
  const key = parsePublicKey(name);
  const record = key.ok ? decodeRecord(VALIDATOR, value) : key;
  if (!key.ok || !record.ok || record.value.removed === undefined) return [];
  const { identity = null, removed: height } = record.value;
  return [{ kind: 'votes', key: key.value, identity, height, evidence: await findEvidence(store, height, key.value) }];
}

async function findEvidence(store: Store, height: number, key: PublicKey): Promise<Evidence | null> {
  const block = await loadBlock(store, height);
  for (const bytes of block?.entries ?? []) {
    const entry = parseEntry(bytes);
    for (const { kind, body } of entry.ok ? entry.value.body.ops : []) {
      const evidence = kind === validatorEvidence.kind ? readEvidence(body) : null;
      if (evidence?.validator === key) return evidence;
    }
  }
  return null;
}

function readForked(name: string, { value, state }: { value: Uint8Array; state: State }): ForkedFeed[] {
  const feed = parseFeedId(name);
  const record = feed.ok ? decodeRecord(FEED, value) : feed;
  if (!feed.ok || !record.ok || record.value.frozenAt === undefined) return [];
  const { device, frozenAt: seq } = record.value;
  return [
    { kind: 'feed', feed: feed.value, device, identity: readRecord(state, DEVICE, device)?.identity ?? null, seq },
  ];
}
