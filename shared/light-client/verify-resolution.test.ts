// A resolution is believed only whole: every part that was changed is noticed and named.

import fc from 'fast-check';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { beforeAll, describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { certifyBlock, createTestGroup, testBlock, testCid } from '../chain/chain.test-kit.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeCertificate } from '../chain/certificate.ts';
import { createStatus, encodeStatus } from '../chain/status.ts';
import { encodeValidatorSet } from '../chain/validator-set.ts';
import { equalBytes } from '../core/bytes.ts';
import { RESOLUTION_BYTES_MAX } from '../core/limits.ts';
import { createNativeVerifier } from '../platform/web/web-crypto.ts';
import {
  alice,
  createCommons,
  LEASE,
  MANIFEST,
  neverPublished,
  nobody,
  prove,
  proveSite,
  unpublished,
} from './light-client.test-kit.ts';
import { decodeResolution, encodeResolution, type Resolution } from './resolution.ts';
import { encodeSeal } from './seals.ts';
import { judgeFreshness, resolveSite, siteKeys } from './site-record.ts';
import { verifyResolution } from './verify-resolution.ts';

const commons = createCommons();
const { group } = commons;
const now = commons.statusTime + 5_000;
const [siteKey, handleKey] = siteKeys(alice);
/** Ten thousands of verifications: the platform's Ed25519 gives the same verdicts sooner. */
const verifier = createNativeVerifier();
const pin = { group: group.rules.group, genesis: group.genesis, now, verifier };

let good: Resolution;
beforeAll(async () => {
  good = await prove(commons, siteKeys(alice));
});

async function judge(resolution: Resolution | Uint8Array, over: Partial<Parameters<typeof verifyResolution>[0]> = {}) {
  const bytes = resolution instanceof Uint8Array ? resolution : encodeResolution(resolution);
  return verifyResolution({ ...pin, resolution: bytes, ...over });
}

async function codeOf(...given: Parameters<typeof judge>): Promise<string> {
  const result = await judge(...given);
  return result.ok ? 'ok' : result.error.code;
}

function flip(bytes: Uint8Array, at: number, mask = 0x01): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  out[at]! ^= mask;
  return out;
}

describe('a resolution', () => {
  test('LC2: from nothing but the pin, the record is believed, with its height and times', async () => {
    const result = await judge(good, { key: siteKey, verifier: pureVerifier });
    expect(result).toMatchObject({
      ok: true,
      value: {
        key: siteKey,
        height: 1,
        blockTime: commons.block.header.time,
        statusTime: commons.statusTime,
        header: commons.block.header,
      },
    });
    if (!result.ok) return;
    expect([...result.value.items.keys()]).toEqual([siteKey, handleKey]);
    expect(result.value.value).toEqual(good.value);
  });

  test('LC6: absence is proven like presence, and has no value', async () => {
    const absent = await prove(commons, siteKeys(nobody));
    const result = await judge(absent);
    expect(result.ok && 'value' in result.value).toBe(false);
    expect(result.ok && [...result.value.items.values()]).toEqual([null, null]);
    expect(await codeOf({ ...good, value: null })).toBe('bad_proof');
    expect(await codeOf({ ...absent, value: good.value })).toBe('bad_proof');
  });

  test('LC9: every part that was exchanged is named', async () => {
    const other = createCommons();
    const later = testBlock(
      group,
      { ...commons.block.header, id: commons.block.id },
      { stateRoot: commons.block.header.stateRoot },
    );
    const otherStatus = await createStatus({
      claim: { epoch: 0, view: 2, height: 2, hash: later.id, time: now },
      group: pin.group,
      signer: group.signers[0]!,
    });
    const stranger = createTestGroup(2);
    const strangerStatus = await createStatus({
      claim: { epoch: 0, view: 1, height: 1, hash: commons.block.id, time: now },
      group: pin.group,
      signer: stranger.signers[1]!,
    });
    const notarized = encodeCertificate(await certifyBlock(group, commons.block, 'notarize'));
    const cases: [string, Partial<Resolution>][] = [
      ['bad_header', { header: encodeHeader(later.header) }],
      ['bad_header', { header: good.status }],
      ['bad_header', { certificate: encodeCertificate(await certifyBlock(group, later)) }],
      ['bad_certificate', { certificate: notarized }],
      ['bad_certificate', { certificate: good.header }],
      ['bad_certificate', { certificate: flip(good.certificate, good.certificate.length - 1) }],
      ['bad_proof', { value: flip(good.value!, good.value!.length - 1) }],
      ['bad_proof', { proof: good.also[0]!.proof }],
      ['bad_proof', { key: 'sites/mallory/' }],
      ['bad_proof', { also: [{ ...good.also[0]!, value: null }] }],
      ['bad_proof', { also: [{ ...good.also[0]!, key: 'handles/mallory' }] }],
      ['bad_status', { status: encodeStatus(otherStatus) }],
      ['bad_status', { status: encodeStatus(strangerStatus) }],
      ['bad_status', { status: flip(good.status, good.status.length - 1) }],
      ['bad_encoding', { also: [good.also[0]!, good.also[0]!] }],
      ['bad_encoding', { also: [{ ...good.also[0]!, key: good.key }] }],
      ['bad_seal', { seals: [good.header] }],
    ];
    for (const [code, change] of cases) expect([code, await codeOf({ ...good, ...change })]).toEqual([code, code]);
    expect(other.block.id).toBe(commons.block.id);
  });

  test('LC2, LC5: the pin decides: another genesis or another group is refused', async () => {
    const stranger = createTestGroup(2);
    expect(await codeOf(good, { genesis: stranger.genesis })).toBe('bad_genesis');
    expect(await codeOf(good, { genesis: flip(group.genesis, 40) })).toBe('bad_genesis');
    expect(await codeOf(good, { group: stranger.rules.group, genesis: stranger.genesis })).toBe('wrong_group');
  });

  test('LC8: another record than the one asked for is refused, and so is an older height than was seen', async () => {
    expect(await codeOf(good, { key: handleKey })).toBe('wrong_key');
    expect(await codeOf(good, { atLeastHeight: 1 })).toBe('ok');
    expect(await codeOf(good, { atLeastHeight: 2 })).toBe('older_than_seen');
  });

  test('LC11: age is judged only where a bound is given; a status from the future is no error', async () => {
    expect(await codeOf(good, { now: now + 10 ** 10 })).toBe('ok');
    expect(await codeOf(good, { maxAge: 5_000 })).toBe('ok');
    expect(await codeOf(good, { maxAge: 4_999 })).toBe('stale');
    expect(await codeOf(good, { now: 0, maxAge: 1 })).toBe('ok');
  });

  test('LC1: what is too large is refused before it is read', async () => {
    expect(await codeOf(new Uint8Array(RESOLUTION_BYTES_MAX + 1))).toBe('bad_encoding');
  });

  test('LC9: each byte flipped, one after the other, is noticed and named; nothing else ever comes out', async () => {
    const bytes = encodeResolution(good);
    const truth = await judge(bytes);
    const named = new Map<string, number>();
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80]) {
        const result = await judge(flip(bytes, at, mask));
        if (result.ok) expect(result).toEqual(truth);
        else named.set(result.error.code, (named.get(result.error.code) ?? 0) + 1);
      }
    }
    // Every bit is covered by a hash, a signature or the one encoding: here no flip may even pass.
    expect([...named.values()].reduce((sum, count) => sum + count, 0)).toBe(2 * bytes.length);
    for (const code of ['bad_encoding', 'bad_header', 'bad_certificate', 'bad_proof', 'bad_status']) {
      expect(named.get(code) ?? 0).toBeGreaterThan(10);
    }
  });

  test('LC9: flips inside a part are blamed on that part', async () => {
    for (const [part, code] of [
      ['header', 'bad_header'],
      ['certificate', 'bad_certificate'],
      ['proof', 'bad_proof'],
      ['value', 'bad_proof'],
      ['status', 'bad_status'],
    ] as const) {
      const bytes = good[part]!;
      for (let at = 0; at < bytes.length; at++) {
        expect(await codeOf({ ...good, [part]: flip(bytes, at) })).toBe(code);
      }
    }
  });

  test('LC9: with four validators too', async () => {
    const four = createCommons(4);
    const bytes = await proveSite(four);
    const given = { group: four.group.rules.group, genesis: four.group.genesis, now, verifier };
    expect((await verifyResolution({ ...given, resolution: bytes })).ok).toBe(true);
    for (let at = 0; at < bytes.length; at++) {
      expect((await verifyResolution({ ...given, resolution: flip(bytes, at, 0x04) })).ok).toBe(false);
    }
  });

  test('LC1: the parser never throws, on any bytes or on damaged ones, and takes one form only', () => {
    const bytes = encodeResolution(good);
    const read = (input: Uint8Array) => {
      const decoded = decodeResolution(input);
      if (decoded.ok) expect(equalBytes(encodeResolution(decoded.value), input)).toBe(true);
      else expect(decoded.error.code).toBe('bad_encoding');
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), read), { numRuns: FUZZ_CASES });
    const changes = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat({ max: bytes.length }), (list, length) => {
        const damaged = bytes.slice(0, list.length === 0 ? length : undefined);
        for (const [at, value] of list) damaged[at] = value;
        read(damaged);
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('LC9: verifying damaged answers never throws', async () => {
    const bytes = encodeResolution(good);
    const change = fc.array(fc.tuple(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(change, async (list) => {
        const damaged = new Uint8Array(bytes);
        for (const [at, value] of list) damaged[at] = value;
        const same = damaged.every((byte, at) => byte === bytes[at]);
        expect((await judge(damaged)).ok).toBe(same);
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});

describe('seals', () => {
  const next = createTestGroup(2).rules.set;

  async function createSeal(change: { nextValidators?: typeof next.id; epoch?: number; validators?: Uint8Array } = {}) {
    const { validators = encodeValidatorSet(next), ...header } = change;
    const block = testBlock(group, group.tip, { nextValidators: next.id, ...header });
    const certificate = encodeCertificate(await certifyBlock(group, block));
    return encodeSeal({ header: encodeHeader(block.header), certificate, validators });
  }

  test('LC3: a list that does not verify is refused, whatever follows it', async () => {
    const unfinished = testBlock(group, group.tip, { nextValidators: next.id });
    const bad = [
      new Uint8Array([0]),
      await createSeal({ epoch: 1 }),
      await createSeal({ nextValidators: testCid('others') }),
      await createSeal({ nextValidators: group.rules.set.id, validators: encodeValidatorSet(group.rules.set) }),
      encodeSeal({
        header: encodeHeader(unfinished.header),
        certificate: encodeCertificate(await certifyBlock(group, unfinished, 'notarize')),
        validators: encodeValidatorSet(next),
      }),
      flip(await createSeal(), 300),
    ];
    for (const seal of bad) expect(await codeOf({ ...good, seals: [seal] })).toBe('bad_seal');
  });

  test('LC3: after a good seal the old validators have no say', async () => {
    expect(await codeOf({ ...good, seals: [await createSeal()] })).toBe('bad_certificate');
    expect(await codeOf({ ...good, seals: [await createSeal(), await createSeal()] })).toBe('bad_seal');
  });

  test('LC3: the new validators of a good seal are believed', async () => {
    const successors = createTestGroup(2);
    const epochOne = { ...successors, rules: { ...group.rules, epoch: 1, set: successors.rules.set } };
    const block = testBlock(
      epochOne,
      { ...commons.block.header, id: commons.block.id },
      {
        view: 2,
        stateRoot: commons.block.header.stateRoot,
      },
    );
    const status = await createStatus({
      claim: { epoch: 1, view: 2, height: 2, hash: block.id, time: now },
      group: pin.group,
      signer: successors.signers[1]!,
    });
    const resolution = {
      ...good,
      seals: [await createSeal()],
      header: encodeHeader(block.header),
      certificate: encodeCertificate(await certifyBlock(epochOne, block)),
      status: encodeStatus(status),
    };
    expect(await codeOf(resolution)).toBe('ok');
    expect(await codeOf({ ...resolution, seals: [] })).toBe('bad_certificate');
  });

  test('LC3, LC7: a header that is a seal itself: the old validators signed it, those it brings the status', async () => {
    const successors = createTestGroup(2);
    const newcomer = successors.signers.find(({ key }) => !group.rules.set.keys.includes(key));
    const { stateRoot } = commons.block.header;
    const block = testBlock(group, group.tip, { nextValidators: next.id, stateRoot });
    const certificate = encodeCertificate(await certifyBlock(group, block));
    const header = encodeHeader(block.header);
    const statusBy = async (signer: (typeof group.signers)[number]) => {
      const claim = { epoch: 0, view: 1, height: 1, hash: block.id, time: now };
      return encodeStatus(await createStatus({ claim, group: pin.group, signer }));
    };
    const sealed = {
      ...good,
      header,
      certificate,
      seals: [encodeSeal({ header, certificate, validators: encodeValidatorSet(next) })],
      status: await statusBy(newcomer!),
    };
    expect(await codeOf(sealed)).toBe('ok');
    expect(await codeOf({ ...sealed, certificate: flip(certificate, certificate.length - 9) })).toBe('bad_certificate');
    expect(await codeOf({ ...sealed, seals: [] })).toBe('bad_status');
  });
});

describe('the record of a site', () => {
  async function siteOf(resolution: Resolution, at = now) {
    const resolved = await judge(resolution);
    if (!resolved.ok) throw new Error(resolved.error.because);
    const site = resolveSite(resolved.value, at);
    return site.ok ? site.value : site.error.code;
  }

  test('LC10: manifest, number, owner, generation and lease', async () => {
    const owner = group.founding.genesis.members[0]!.identity;
    expect(await siteOf(good)).toEqual({ manifest: MANIFEST, seq: 3, owner, generation: 2, lease: LEASE });
  });

  test("LC10: the lease is judged by the reader's clock", async () => {
    expect(await siteOf(good, LEASE - 1)).toMatchObject({ seq: 3 });
    expect(await siteOf(good, LEASE)).toBe('lease_expired');
  });

  test('LC10: unknown handles, sites never published and sites taken down are told apart from failures', async () => {
    expect(await siteOf(await prove(commons, siteKeys(nobody)))).toBe('handle_unknown');
    expect(await siteOf(await prove(commons, siteKeys(neverPublished)))).toBe('site_unknown');
    expect(await siteOf(await prove(commons, siteKeys(unpublished)))).toBe('site_unknown');
    expect(await siteOf({ ...good, also: [] })).toBe('handle_unknown');
    expect(await siteOf(await prove(commons, [handleKey]))).toBe('site_unknown');
    expect(await siteOf(await prove(commons, ['sites/alice//x']))).toBe('site_unknown');
  });

  test('LC11: freshness is the age of the status; a clock that is far behind is told', async () => {
    const resolved = await judge(good);
    if (!resolved.ok) throw new Error(resolved.error.because);
    expect(judgeFreshness(resolved.value, now)).toEqual({ age: 5_000, clock: 'agrees' });
    expect(judgeFreshness(resolved.value, commons.statusTime - 60_000)).toEqual({ age: 0, clock: 'agrees' });
    expect(judgeFreshness(resolved.value, commons.statusTime - 86_400_000)).toEqual({ age: 0, clock: 'behind' });
  });
});
