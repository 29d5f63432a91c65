// Small chains for tests: validators with real keys, blocks on any parent, votes and certificates over them.

import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { identityFromKey, publicKeyFromBytes, type PublicKey } from '../crypto/ids.ts';
import { publicKeyOfSeed, signPure } from '../crypto/ed25519.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { Signer } from '../platform/ports.ts';
import { createBlock, type Block, type ChainRules, type Header, type Tip } from './block.ts';
import { assembleCertificate, type VerifiedCertificate } from './certificate.ts';
import { decodeGenesis, encodeGenesis, GENESIS_EPOCH, genesisTip, type Founding, type Genesis } from './genesis.ts';
import { leaderOf, validatorAt } from './validator-set.ts';
import { voteBytes, type VerifiedVote, type VoteClaim } from './vote.ts';

const START = 1_700_000_000_000;
export const INTERVAL = 1_000;

export type TestGroup = {
  readonly founding: Founding;
  readonly genesis: Uint8Array<ArrayBuffer>;
  readonly rules: ChainRules;
  readonly tip: Tip;
  /** In the order of the set. */
  readonly signers: readonly Signer[];
};

export function testSigner(name: string): Signer {
  const seed = sha256(encodeUtf8(name));
  const key = publicKeyFromBytes(publicKeyOfSeed(seed));
  assert(key.ok, 'a derived key is usable');
  return { key: key.value, sign: async (message) => signPure(seed, message) };
}

export function testGenesis(validators: readonly PublicKey[], f: number): Genesis {
  return {
    v: 1,
    name: 'test commons',
    created: START,
    join: 'open+puzzle',
    policy: { puzzleBits: 14, operationsPerDay: 100, bytesPerDay: 1_000_000, blockInterval: INTERVAL },
    members: [{ identity: identityFromKey(publicKeyOfSeed(sha256(encodeUtf8('founder')))), role: 'admin' }],
    validators,
    f,
    recovery: { identities: [], threshold: 0 },
    handles: [],
  };
}

export function createTestGroup(n: number, f = 0): TestGroup {
  const signers = Array.from({ length: n }, (_, at) => testSigner(`validator ${at}`));
  const genesis = encodeGenesis(
    testGenesis(
      signers.map((signer) => signer.key),
      f,
    ),
  );
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'the genesis of the kit is good');
  const { group, set } = founding.value;
  return {
    founding: founding.value,
    genesis,
    rules: { group, epoch: GENESIS_EPOCH, set },
    tip: genesisTip(founding.value),
    signers: set.keys.map((key) => signers.find((signer) => signer.key === key)!),
  };
}

/** A block on `parent`; by default in the next view, one interval later, and empty. */
export function testBlock({ rules }: TestGroup, parent: Tip, change: Partial<Header> = {}): Block {
  const view = change.view ?? parent.view + 1;
  const { group, epoch, set } = rules;
  return createBlock({
    v: 1,
    group,
    epoch,
    view,
    height: parent.height + 1,
    parent: parent.id,
    parentView: parent.view,
    time: parent.time + INTERVAL,
    proposer: validatorAt(set, leaderOf(set, view)),
    cut: [],
    receiptsRoot: new Uint8Array(32),
    stateRoot: new Uint8Array(32),
    validators: set.id,
    nextValidators: set.id,
    ...change,
  });
}

export function testCid(name: string): Cid {
  return cidFromDigest('dag-cbor', sha256(encodeUtf8(name)));
}

/** Signed for real. */
export async function signVote(group: TestGroup, signer: number, claim: VoteClaim): Promise<VerifiedVote> {
  const sig = await group.signers[signer]!.sign(voteBytes(group.rules.group, claim));
  return { ...claim, signer, sig } as unknown as VerifiedVote;
}

/** Not signed: for the machine, which takes verified votes. */
export function stubVote(signer: number, claim: VoteClaim): VerifiedVote {
  return { ...claim, signer, sig: new Uint8Array(64) } as unknown as VerifiedVote;
}

export function claimOf(block: Block, kind: 'notarize' | 'finalize'): VoteClaim {
  return { kind, epoch: block.header.epoch, view: block.header.view, hash: block.id };
}

export async function certifyBlock(
  group: TestGroup,
  block: Block,
  kind: 'notarize' | 'finalize' = 'finalize',
): Promise<VerifiedCertificate> {
  const claim = claimOf(block, kind);
  const votes = await Promise.all(group.signers.map((_, signer) => signVote(group, signer, claim)));
  const certificate = assembleCertificate(claim, votes, group.rules.set);
  assert(certificate !== undefined, 'all validators are a quorum');
  return certificate;
}

/** A quorum of stub votes. */
export function stubCertificate(group: TestGroup, claim: VoteClaim): VerifiedCertificate {
  const votes = group.signers.map((_, signer) => stubVote(signer, claim));
  const certificate = assembleCertificate(claim, votes, group.rules.set);
  assert(certificate !== undefined, 'all validators are a quorum');
  return certificate;
}
