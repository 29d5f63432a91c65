// Certificates, votes and validator sets: exactly a quorum, in one form only.

import { describe, expect, test } from 'vitest';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { certifyBlock, claimOf, createTestGroup, signVote, testBlock, testCid, testSigner } from './chain.test-kit.ts';
import {
  assembleCertificate,
  decodeCertificate,
  encodeCertificate,
  verifyCertificate,
  type Certificate,
} from './certificate.ts';
import { createStatus, decodeStatus, encodeStatus, verifyStatus } from './status.ts';
import {
  createValidatorSet,
  decodeValidatorSet,
  encodeValidatorSet,
  leaderOf,
  quorumOf,
  type ValidatorSet,
} from './validator-set.ts';
import { verifyVote } from './vote.ts';

const group = createTestGroup(4, 1);
const { set } = group.rules;
const block = testBlock(group, group.tip);
const claim = claimOf(block, 'finalize');
const ids = { group: group.rules.group, set, verifier };

async function verdict(certificate: Certificate, over: Partial<typeof ids> = {}): Promise<string> {
  const result = await verifyCertificate({ certificate, ...ids, ...over });
  return result.ok ? 'ok' : result.error.code;
}

function setOf(n: number, f: number): ValidatorSet {
  const keys = Array.from({ length: n }, (_, at) => testSigner(`set ${at}`).key);
  const created = createValidatorSet({ keys, f });
  if (!created.ok) throw new Error(created.error.because);
  return created.value;
}

describe('validator sets', () => {
  test('CH2: the quorum is ⌊(n+f)/2⌋+1, and two quorums share f+1 validators', () => {
    const table: [n: number, f: number, q: number][] = [
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 2],
      [4, 1, 3],
      [7, 2, 5],
      [10, 1, 6],
    ];
    for (const [n, f, q] of table) {
      expect(quorumOf(setOf(n, f))).toBe(q);
      expect(2 * q - n).toBeGreaterThanOrEqual(f + 1);
    }
  });

  test('CH1: sorted, each once, enough of them; the id names the keys and f', () => {
    const keys = [3, 1, 2].map((name) => testSigner(`set ${name}`).key);
    const created = createValidatorSet({ keys, f: 0 });
    expect(created.ok && created.value.keys).toEqual([...keys].sort());
    expect(createValidatorSet({ keys: [...keys, keys[0]!], f: 0 })).toMatchObject({
      error: { code: 'bad_validators' },
    });
    expect(createValidatorSet({ keys: [], f: 0 }).ok).toBe(false);
    expect(createValidatorSet({ keys, f: 1 }).ok).toBe(false);
    expect(setOf(4, 0).id).not.toBe(setOf(4, 1).id);
    const decoded = decodeValidatorSet(encodeValidatorSet(setOf(4, 1)));
    expect(decoded).toEqual({ ok: true, value: setOf(4, 1) });
    const unsorted = { ...setOf(4, 1), keys: [...setOf(4, 1).keys].reverse() };
    expect(decodeValidatorSet(encodeValidatorSet(unsorted)).ok).toBe(false);
  });

  test('CH3: leaders take turns', () => {
    expect([1, 2, 3, 4, 5].map((view) => leaderOf(set, view))).toEqual([1, 2, 3, 0, 1]);
  });
});

describe('certificates', () => {
  test('CH15: exactly q signatures of the lowest indexes, whoever else voted, and none below q', async () => {
    const votes = await Promise.all([3, 1, 0, 2].map((signer) => signVote(group, signer, claim)));
    const certificate = assembleCertificate(claim, votes, set)!;
    expect([...certificate.signers]).toEqual([0b0111]);
    expect(certificate.sigs.length).toBe(3);
    expect(await verdict(certificate)).toBe('ok');
    expect(assembleCertificate(claim, votes.slice(0, 2), set)).toBeUndefined();
    expect(assembleCertificate(claim, [votes[0]!, votes[0]!, votes[0]!], set)).toBeUndefined();
    const other = await signVote(group, 2, { ...claim, hash: testCid('another') });
    expect(assembleCertificate(claim, [...votes.slice(0, 2), other], set)).toBeUndefined();
    expect(decodeCertificate(encodeCertificate(certificate))).toEqual({ ok: true, value: certificate });
  });

  test('CH16: too few, too many, twice, out of order, beyond the set, another size: all refused', async () => {
    const good = await certifyBlock(group, block);
    const fourth = await signVote(group, 3, claim);
    const [a, b, c] = good.sigs as [Uint8Array, Uint8Array, Uint8Array];
    const bad: Partial<Certificate>[] = [
      { signers: new Uint8Array([0b0011]), sigs: [a, b] },
      { signers: new Uint8Array([0b1111]), sigs: [a, b, c, fourth.sig] },
      { sigs: [a, b] },
      { sigs: [a, b, c, c] },
      { sigs: [a, a, a] },
      { sigs: [b, a, c] },
      { signers: new Uint8Array([0b1011]) },
      { signers: new Uint8Array([0b10000011]) },
      { signers: new Uint8Array([0b0111, 0]) },
      { kind: 'notarize' },
      { epoch: 1 },
      { view: 2 },
      { hash: testCid('another') },
      { hash: null },
    ];
    for (const change of bad) expect(await verdict({ ...good, ...change })).toBe('bad_certificate');
    expect(await verdict(good, { group: testCid('another group') })).toBe('bad_certificate');
    expect(await verdict(good, { set: setOf(4, 1) })).toBe('bad_certificate');
    expect(decodeCertificate(encodeCertificate({ ...good, hash: null })).ok).toBe(false);
  });

  test('CH12, A17: a vote is for one kind, group, epoch, view and block, of a validator', async () => {
    const vote = await signVote(group, 1, claim);
    expect((await verifyVote({ vote, ...ids })).ok).toBe(true);
    for (const change of [
      { kind: 'notarize' as const },
      { epoch: 1 },
      { view: 2 },
      { hash: testCid('x') },
      { hash: null },
      { signer: 2 },
      { signer: 9 },
    ]) {
      expect(await verifyVote({ vote: { ...vote, ...change }, ...ids })).toMatchObject({ error: { code: 'bad_vote' } });
    }
    expect((await verifyVote({ vote, ...ids, group: testCid('another group') })).ok).toBe(false);
  });

  test('CH17: a status is signed over every field, by a validator', async () => {
    const claimed = { epoch: 0, view: 1, height: 1, hash: block.id, time: 5 };
    const status = await createStatus({ claim: claimed, group: ids.group, signer: group.signers[2]! });
    expect(decodeStatus(encodeStatus(status))).toEqual({ ok: true, value: status });
    expect((await verifyStatus({ status, ...ids })).ok).toBe(true);
    for (const change of [
      { epoch: 1 },
      { view: 2 },
      { height: 2 },
      { hash: testCid('x') },
      { time: 6 },
      { validator: set.keys[0]! },
    ]) {
      expect((await verifyStatus({ status: { ...status, ...change }, ...ids })).ok).toBe(false);
    }
    const stranger = await createStatus({ claim: claimed, group: ids.group, signer: testSigner('stranger') });
    expect(await verifyStatus({ status: stranger, ...ids })).toMatchObject({ error: { code: 'bad_status' } });
  });
});
