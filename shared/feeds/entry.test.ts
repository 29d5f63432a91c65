import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidOf, createPerson, GROUP, START, type Person } from '../../test/simulator/ledger-world.ts';
import { bytesOfHex } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { CanonicalLink, type CanonicalValue, type Schema } from '../codec/schema.ts';
import { ok } from '../core/result.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import type { PublicKey, Verifier } from '../platform/ports.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createPureVerifier } from '../platform/web/web-crypto.ts';
import { createEntry, parseEntry, type EntryBody } from './entry.ts';
import { verifyEntry, type EntryChecks } from './verify-entry.ts';
import { advanceFeed, nextEntryBody } from './feed.ts';

const OPS = [{ kind: 'test.nothing', body: new Uint8Array([1, 2, 3]) }];
const verifier = createPureVerifier();

const alice = await createPerson('alice');
const first = nextEntryBody(alice.writer, { time: START, ops: OPS });
const firstEntry = await createEntry({ body: first, signer: alice.signer });
const later = nextEntryBody(advanceFeed(alice.writer, { seq: 1, head: firstEntry.id }), { time: START, ops: OPS });

function checks(changes: Partial<EntryChecks> = {}): EntryChecks {
  return { group: GROUP, verifier, identityOfDevice: () => undefined, ...changes };
}

async function wire(body: EntryBody, person: Person = alice): Promise<Uint8Array> {
  return (await createEntry({ body, signer: person.signer })).bytes;
}

async function codeOf(body: Uint8Array, changes: Partial<EntryChecks> = {}): Promise<string | undefined> {
  const verified = await verifyEntry(body, checks(changes));
  return verified.ok ? undefined : verified.error.code;
}

describe('EN1, EN2: an entry', () => {
  test('comes back as it was written, and its id does not depend on the signature', async () => {
    const parsed = parseEntry(firstEntry.bytes);
    expect(parsed).toMatchObject({
      ok: true,
      value: { id: firstEntry.id, body: first, size: firstEntry.bytes.length },
    });
    const mallory = { key: alice.signer.key, sign: () => Promise.resolve(new Uint8Array(64)) };
    expect((await createEntry({ body: first, signer: mallory })).id).toBe(firstEntry.id);
  });

  test('has 256 KiB and 1,024 operations at most', async () => {
    const many = { ...first, ops: Array.from({ length: 1_025 }, () => OPS[0]!) };
    await expect(wire(many)).rejects.toThrow('1024');
    const large = { ...first, ops: [{ kind: 'test.large', body: new Uint8Array(ENTRY_BYTES_MAX) }] };
    await expect(wire(large)).rejects.toThrow('262144');
    expect(parseEntry(new Uint8Array(ENTRY_BYTES_MAX + 1))).toMatchObject({ error: { code: 'too_large' } });
    await expect(wire({ ...first, ops: [] })).rejects.toThrow('1 to');
  });

  test('is refused with any byte flipped, dropped or added', async () => {
    const good = [...firstEntry.bytes];
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(2), async (at, mask, how) => {
        const put = [[good[at]! ^ mask], [], [good[at]!, mask]][how]!;
        const bytes = Uint8Array.from([...good.slice(0, at), ...put, ...good.slice(at + 1)]);
        expect(await codeOf(bytes)).toBeDefined();
      }),
      { numRuns: Math.min(FUZZ_CASES, 2_000) },
    );
  });

  test('is never made of bytes that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(parseEntry(bytes).ok).toBe(false);
      }),
      { numRuns: FUZZ_CASES },
    );
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 6 }), (at, patch) => {
        const bytes = Uint8Array.from(firstEntry.bytes);
        bytes.set(patch.slice(0, bytes.length - (at % bytes.length)), at % bytes.length);
        const parsed = parseEntry(bytes);
        if (parsed.ok) expect(parsed.value.bytes).toBe(bytes);
        else expect(['bad_encoding', 'too_large']).toContain(parsed.error.code);
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});

/** The entry with fields of its body replaced, or removed where the value is undefined; the signature is left. */
function rewrite(wireBytes: Uint8Array, fields: Readonly<Record<string, CanonicalValue | undefined>>): Uint8Array {
  const outer = readAnything(wireBytes);
  const body = readAnything(outer.get('body') as Uint8Array);
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) body.delete(key);
    else body.set(key, value);
  }
  return encodeCanonical(anything, outer.set('body', encodeCanonical(anything, body)));
}

const anything: Schema<Map<string, CanonicalValue>> = {
  read: (value) => ok(value as Map<string, CanonicalValue>),
  write: (value) => value,
};

function readAnything(bytes: Uint8Array): Map<string, CanonicalValue> {
  const decoded = decodeCanonical(anything, bytes, { max: ENTRY_BYTES_MAX });
  if (!decoded.ok) throw new Error(decoded.error.because);
  return decoded.value;
}

describe('EN3, EN4: what stands in which entry', () => {
  const other = new CanonicalLink(cidOf('x'));
  const follow = (feed: string) =>
    new Map<string, CanonicalValue>([
      ['feed', bytesOfHex(feed)],
      ['seq', 1],
    ]);

  test.each<[string, EntryBody, Readonly<Record<string, CanonicalValue | undefined>>, string | undefined]>([
    ['a first entry as it is', first, {}, undefined],
    ['a first entry after another feed', first, { after: follow('0011223344556677') }, undefined],
    ['a first entry without certificate', first, { certificate: undefined }, 'certificate'],
    ['a first entry with a prev', first, { prev: other }, 'prev'],
    ['a first entry after itself', first, { after: follow(first.feed) }, 'after'],
    ['a later entry as it is', later, {}, undefined],
    ['a later entry with a certificate', later, { certificate: alice.writer.certificate }, 'certificate'],
    ['a later entry without prev', later, { prev: null }, 'prev'],
    ['a later entry after another feed', later, { after: follow('0011223344556677') }, 'after'],
    ['a document entry', first, { sort: 'document' }, undefined],
    ['a document entry with a fee', first, { sort: 'document', fee: 0 }, 'document'],
    ['a document entry with a deadline', first, { sort: 'document', validUntil: 1 }, 'document'],
    ['a ledger entry with a fee and a deadline', first, { fee: 2n ** 63n - 1n, validUntil: 1 }, undefined],
    ['an entry that says which asset pays', first, { feeSelector: 255 }, undefined],
    ['a fee of an asset beyond a byte', first, { feeSelector: 256 }, 'feeSelector'],
    ['a document entry that says which asset pays', first, { sort: 'document', feeSelector: 1 }, 'document'],
    ['a fee that is too high', first, { fee: 2n ** 63n }, 'fee'],
    ['another sort', first, { sort: 'letter' }, 'sort'],
    ['another version', first, { v: 2 }, 'v'],
    ['number 0', first, { seq: 0 }, 'seq'],
    ['an unknown field', first, { extra: 1 }, 'unknown field'],
  ])('%s', async (_, body, fields, complaint) => {
    const parsed = parseEntry(rewrite(await wire(body), fields));
    if (complaint === undefined) expect(parsed.ok).toBe(true);
    else expect(parsed).toMatchObject({ error: { code: 'bad_encoding', because: expect.stringContaining(complaint) } });
  });

  test('is asserted when an entry is written', async () => {
    await expect(wire({ ...first, prev: cidOf('x') })).rejects.toThrow('EN3');
    await expect(wire({ ...first, sort: 'document', fee: 0n })).rejects.toThrow('EN4');
  });
});

describe('EN5: verification', () => {
  test('takes a first entry by its certificate, a later one by the identity known for its device', async () => {
    const known = (device: PublicKey) => (device === alice.signer.key ? alice.identity : undefined);
    expect(await verifyEntry(firstEntry.bytes, checks())).toMatchObject({
      value: { identity: alice.identity, body: first },
    });
    expect(await verifyEntry(await wire(later), checks({ identityOfDevice: known }))).toMatchObject({ ok: true });
    expect(await codeOf(await wire(later))).toBe('unknown_author');
  });

  test('refuses another group', async () => {
    expect(await codeOf(firstEntry.bytes, { group: cidOf('another group') })).toBe('wrong_group');
  });

  test('refuses a signature by another key', async () => {
    const bob = await createPerson('bob');
    const forged = { key: alice.signer.key, sign: (message: Uint8Array) => bob.signer.sign(message) };
    expect(await codeOf((await createEntry({ body: first, signer: forged })).bytes)).toBe('bad_signature');
  });

  test('refuses a certificate for another device, or not signed by its identity', async () => {
    const bob = await createPerson('bob');
    expect(await codeOf(await wire({ ...first, certificate: bob.writer.certificate }))).toBe('bad_signature');
    const root = createSeedSigner(new Uint8Array(32).fill(7));
    const certify = (signer: typeof root) =>
      createDeviceCertificate({ signer, device: alice.signer.key, name: 'stolen', issued: START });
    const forged = await certify({ key: root.key, sign: (message) => bob.signer.sign(message) });
    expect(await codeOf(await wire({ ...first, certificate: forged }))).toBe('bad_signature');
    expect(await codeOf(await wire({ ...first, certificate: await certify(root) }))).toBeUndefined();
    expect(await codeOf(await wire({ ...first, certificate: new Uint8Array([0xa0]) }))).toBe('bad_encoding');
  });

  test('EN9: refuses a device key with a torsion component, even if a verifier took its signature', async () => {
    // A key of order 8·L: the base point's encoding plus a point of order 8 (speccheck's mixed-order key).
    const mixed = 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43' as PublicKey;
    const credulous: Verifier = { verify: () => Promise.resolve(true) };
    const silent = { key: mixed, sign: () => Promise.resolve(new Uint8Array(64)) };
    const root = createSeedSigner(new Uint8Array(32).fill(7));
    const certificate = await createDeviceCertificate({ signer: root, device: mixed, name: 'odd', issued: START });
    const { bytes } = await createEntry({ body: { ...first, device: mixed, certificate }, signer: silent });
    expect(await codeOf(bytes, { verifier: credulous })).toBe('bad_signature');
    expect(await codeOf(firstEntry.bytes, { verifier: credulous })).toBeUndefined();
  });
});

test('EN6: the precheck runs before any signature is looked at', async () => {
  let verified = 0;
  const counting: Verifier = {
    verify(claim) {
      verified++;
      return verifier.verify(claim);
    },
  };
  const precheck = () => ({ code: 'puzzle_invalid', because: 'Solve it again.' });
  expect(await codeOf(firstEntry.bytes, { verifier: counting, precheck })).toBe('puzzle_invalid');
  expect(verified).toBe(0);
  const seen: unknown[] = [];
  const pass = (...given: unknown[]) => void seen.push(given);
  expect(await codeOf(firstEntry.bytes, { precheck: pass })).toBeUndefined();
  expect(seen).toMatchObject([[{ id: firstEntry.id }, alice.identity]]);
});
