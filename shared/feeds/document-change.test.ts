import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeTestChange, hashOfChange, readTestChanges } from '../../test/simulator/document-changes.ts';
import { createPerson, GROUP, START } from '../../test/simulator/ledger-world.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { FeedId } from '../crypto/ids.ts';
import { createPureVerifier } from '../platform/web/web-crypto.ts';
import {
  actorIdOf,
  documentChangeOperation,
  OPERATION_CHANGES_MAX,
  readDocumentOperations,
  type ActorId,
  type ChangeReader,
} from './document-change.ts';
import type { DocumentName } from './document-name.ts';
import { createEntry, type Operation } from './entry.ts';
import { verifyEntry } from './verify-entry.ts';
import { nextEntryBody } from './feed.ts';

const about = 'about' as DocumentName;
const actor = 'ab'.repeat(16) as ActorId;
const change = { actor, seq: 1 };
const operation = { document: about, changes: [encodeTestChange(change)] };
const alice = await createPerson('alice');

describe('DC3: a document entry', () => {
  test('holds changes by document, in order', () => {
    const two = { document: 'pages/a' as DocumentName, changes: [new Uint8Array([1]), new Uint8Array([2])] };
    const ops = [operation, two].map(documentChangeOperation);
    expect(readDocumentOperations({ sort: 'document', ops })).toEqual({ ok: true, value: [operation, two] });
  });

  test('holds nothing else, and a ledger entry none of them', () => {
    const good = documentChangeOperation(operation);
    const code = (ops: Operation[], sort: 'document' | 'ledger' = 'document') => {
      const read = readDocumentOperations({ sort, ops });
      return read.ok ? undefined : read.error.code;
    };
    expect(code([good])).toBeUndefined();
    expect(code([good], 'ledger')).toBe('bad_encoding');
    expect(code([good, { kind: 'member.join', body: good.body }])).toBe('bad_encoding');
    expect(code([{ ...good, body: good.body.slice(1) }])).toBe('bad_encoding');
    const odd = documentChangeOperation(operation).body.slice();
    // The last letter of `about`: no document has that name.
    odd[odd.length - 1] = 'b'.charCodeAt(0);
    expect(code([{ ...good, body: odd }])).toBe('bad_encoding');
  });

  test('has 1 to 64 changes an operation', () => {
    const of = (count: number) => () =>
      documentChangeOperation({ document: about, changes: Array.from({ length: count }, () => new Uint8Array([1])) });
    expect(of(OPERATION_CHANGES_MAX)).not.toThrow();
    expect(of(OPERATION_CHANGES_MAX + 1)).toThrow('64');
    expect(of(0)).toThrow('1 to');
  });
});

describe('DC4: a verified entry says which changes it holds', () => {
  async function verify(sort: 'document' | 'ledger', ops: Operation[], readChanges?: ChangeReader) {
    const body = nextEntryBody(alice.writer, { time: START, ops, sort });
    const { bytes } = await createEntry({ body, signer: alice.signer });
    const checks = { group: GROUP, verifier: createPureVerifier(), identityOfDevice: () => undefined };
    const verified = await verifyEntry(bytes, readChanges ? { ...checks, readChanges } : checks);
    return verified.ok ? verified.value.changes : verified.error.code;
  }

  test('as its reader read them, with the author for whom', async () => {
    const authors: string[] = [];
    const reader: ChangeReader = (given, author) => {
      authors.push(author);
      return readTestChanges(given, author);
    };
    const second = { ...change, seq: 2, deps: [hashOfChange(change)] };
    const ops = [operation, { document: about, changes: [encodeTestChange(second)] }].map(documentChangeOperation);
    expect(await verify('document', ops, reader)).toEqual([
      { document: about, hash: hashOfChange(change), actor, seq: 1, deps: [], ownOnly: true, operations: 1 },
      {
        document: about,
        hash: hashOfChange(second),
        actor,
        seq: 2,
        deps: [hashOfChange(change)],
        ownOnly: true,
        operations: 1,
      },
    ]);
    expect(authors).toEqual([alice.identity, alice.identity]);
  });

  test('null when any of them is unreadable, or nobody reads here; none in a ledger entry', async () => {
    const bad = documentChangeOperation({ document: about, changes: [new Uint8Array([0xff])] });
    const good = documentChangeOperation(operation);
    expect(await verify('document', [good, bad], readTestChanges)).toBeNull();
    expect(
      await verify('document', [good, { kind: 'test.nothing', body: new Uint8Array() }], readTestChanges),
    ).toBeNull();
    expect(await verify('document', [good])).toBeNull();
    expect(await verify('ledger', [good], readTestChanges)).toEqual([]);
  });
});

describe('DC5: the actor of a feed in a document', () => {
  const feed = '0011223344556677' as FeedId;

  test('is the first 16 bytes of a hash over feed, name and number', () => {
    const tag = encodeUtf8('weft/actor/v1');
    const name = encodeUtf8('about');
    const bytes = [...tag, 0, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, ...name, 0, 0, 0, 0, 0, 0, 0, 1, 2];
    const expected = toHex(sha256(Uint8Array.from(bytes))).slice(0, 32);
    expect(actorIdOf({ feed, document: about, start: 258 })).toBe(expected);
  });

  test('differs by each of the three', () => {
    const arbitrary = fc.record({
      feed: fc.constantFrom(feed, '8877665544332211' as FeedId),
      document: fc.constantFrom(about, 'people' as DocumentName, 'pages/about' as DocumentName),
      start: fc.integer({ min: 1, max: 2 ** 40 }),
    });
    fc.assert(
      fc.property(arbitrary, arbitrary, (a, b) => {
        const same = a.feed === b.feed && a.document === b.document && a.start === b.start;
        expect(actorIdOf(a) === actorIdOf(b)).toBe(same);
      }),
    );
  });
});
