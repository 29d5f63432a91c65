import {
  change,
  Counter,
  decodeChange,
  encodeChange,
  getLastLocalChange,
  init,
  splice,
} from '@automerge/automerge/slim';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPerson } from '../../test/simulator/ledger-world.ts';
import { toHex } from '../codec/base.ts';
import { concatBytes } from '../core/bytes.ts';
import { CHANGE_BYTES_MAX, CHANGE_DEPS_MAX, CHANGE_OPERATIONS_MAX } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import { actorOf, startAutomerge } from './automerge.test-kit.ts';
import { parseChange } from './change-chunk.ts';
import { createChangeReader } from './change-reader.ts';
import { createChance, drawHistory } from './history.test-kit.ts';

beforeAll(startAutomerge);

const read = createChangeReader();
const PAGE = 'pages/a' as DocumentName;
const PEOPLE = 'people' as DocumentName;
const alice = await createPerson('alice');
const NO_TIME = { time: undefined };
/** Magic, checksum, then what is hashed: type, length, body. */
const TYPE_AT = 8;

/** One change of a new document. */
function changeOf(
  edit: (draft: Record<string, unknown>) => void,
  options: { time?: number | undefined; message?: string } = NO_TIME,
): Uint8Array {
  return getLastLocalChange(change(init<Record<string, unknown>>(actorOf(1)), options, edit))!;
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)];
}

/** A chunk with a checksum that fits. */
function chunkOf(type: number, body: Uint8Array): Uint8Array {
  const hashed = concatBytes(new Uint8Array([type, ...leb(body.length)]), body);
  return concatBytes(new Uint8Array([0x85, 0x6f, 0x4a, 0x83]), sha256(hashed).subarray(0, 4), hashed);
}

function bodyOf(chunk: Uint8Array): Uint8Array {
  let at = TYPE_AT + 1;
  while (chunk[at]! >= 128) at++;
  return chunk.subarray(at + 1);
}

const simple = (): Uint8Array => changeOf((draft) => void (draft['a'] = 1));

describe('a change is read as Automerge reads it', () => {
  test('whatever Automerge made', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const bytes of drawHistory(createChance(seed))) {
          const known = decodeChange(bytes);
          const changes = read({ document: PAGE, changes: [bytes] }, alice.identity);
          const { hash, actor, seq } = known;
          expect(changes).toEqual([
            {
              document: PAGE,
              hash,
              actor,
              seq,
              deps: known.deps.toSorted(),
              ownOnly: true,
              operations: known.ops.length,
            },
          ]);
          expect(parseChange(bytes)?.startOp).toBe(known.startOp);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('DO3: anything else that is taken comes out of Automerge as the same bytes', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (seed, flips) => {
          const history = drawHistory(createChance(seed));
          const body = bodyOf(history[Math.abs(seed) % history.length]!).slice();
          for (const [at, value] of flips) body[at % body.length] = value;
          const bytes = chunkOf(1, body);
          if (parseChange(bytes) === null) return;
          const decoded = decodeChange(bytes);
          // Bytes and floats do not survive the JavaScript in between.
          if (decoded.ops.some(({ value, datatype }) => datatype === 'float64' || typeof value === 'object')) return;
          expect(toHex(encodeChange(decoded))).toBe(toHex(bytes));
        },
      ),
      { numRuns: 400, endOnFailure: true },
    );
  });

  test('DO4: an integer that JavaScript cannot hold is refused', () => {
    // The value is the last column but those of predecessors, which a new key has none of.
    for (const [sign, last] of [
      [1, 0x0f],
      [-1, 0x70],
    ] as const) {
      const largest = bodyOf(changeOf((draft) => void (draft['a'] = sign * Number.MAX_SAFE_INTEGER))).slice();
      expect(parseChange(chunkOf(1, largest))).not.toBeNull();
      const at = largest.lastIndexOf(last);
      expect(largest[at - 1]! & 0x80).toBe(0x80);
      largest[at] = last ^ 0x10;
      expect(parseChange(chunkOf(1, largest))).toBeNull();
    }
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        expect(() => parseChange(chunkOf(1, body))).not.toThrow();
        expect(() => parseChange(body)).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe('DO1, DO2: what is not taken', () => {
  const refused = (bytes: Uint8Array): boolean =>
    read({ document: PAGE, changes: [simple(), bytes] }, alice.identity) === null;

  test('other chunks, deflated or not', () => {
    const body = bodyOf(simple());
    expect(refused(chunkOf(1, body))).toBe(false);
    expect(refused(chunkOf(2, body))).toBe(true);
    expect(refused(chunkOf(0, body))).toBe(true);
    const large = changeOf((draft) => void (draft['text'] = 'many letters '.repeat(200)));
    expect(refused(large)).toBe(false);
  });

  test('a wrong checksum, a wrong length, something behind it', () => {
    const bytes = simple();
    const wrong = bytes.slice();
    wrong[5]! ^= 1;
    expect(refused(wrong)).toBe(true);
    expect(refused(concatBytes(bytes, new Uint8Array(1)))).toBe(true);
    expect(refused(bytes.subarray(0, -1))).toBe(true);
    expect(refused(chunkOf(1, concatBytes(bodyOf(bytes), new Uint8Array([1]))))).toBe(true);
    expect(refused(new Uint8Array(0))).toBe(true);
  });

  test('too many bytes, dependencies or operations', () => {
    expect(refused(changeOf((draft) => void (draft['a'] = new Uint8Array(CHANGE_BYTES_MAX))))).toBe(true);
    const forge = (deps: number) =>
      encodeChange({
        ...decodeChange(simple()),
        deps: Array.from({ length: deps }, (_, i) => i.toString(16).padStart(64, '0')),
      });
    expect([refused(forge(CHANGE_DEPS_MAX)), refused(forge(CHANGE_DEPS_MAX + 1))]).toEqual([false, true]);
    const list = (length: number) => changeOf((draft) => void (draft['l'] = Array.from({ length }, () => 1)));
    expect(parseChange(list(CHANGE_OPERATIONS_MAX - 1))).not.toBeNull();
    expect(parseChange(list(CHANGE_OPERATIONS_MAX))).toBeNull();
    // Small changes that would be too many operations together.
    const half = list(CHANGE_OPERATIONS_MAX / 2);
    expect(half.length).toBeLessThan(20_000);
    expect(read({ document: PAGE, changes: [half, half] }, alice.identity)).toBeNull();
  });

  test('runs of a billion operations cost nothing', () => {
    const bytes = simple();
    // The run of actions: one literal 1 becomes 2^28 times 1.
    const body = toHex(bodyOf(bytes));
    const at = body.lastIndexOf('7f017f14');
    expect(at).toBeGreaterThan(0);
    const run = `${toHex(new Uint8Array(leb(2 ** 28)))}01`;
    const forged = body.slice(0, at) + run + body.slice(at + 4);
    const longer = forged.replace('4202', `42${toHex(new Uint8Array([run.length / 2]))}`);
    expect(
      refused(
        chunkOf(
          1,
          Uint8Array.from(longer.match(/../g)!, (pair) => parseInt(pair, 16)),
        ),
      ),
    ).toBe(true);
  });

  test('DO4: times, messages and marks', () => {
    const put = (draft: Record<string, unknown>) => void (draft['a'] = 1);
    expect(refused(changeOf(put, { time: 7 }))).toBe(true);
    expect(refused(changeOf(put, { time: undefined, message: 'hello' }))).toBe(true);
    const decoded = decodeChange(changeOf((draft) => void (draft['text'] = 'ab')));
    const mark = { obj: decoded.ops[1]!.obj, elemId: '_head', insert: true, pred: [] };
    const marked = [
      { ...mark, action: 'markBegin', name: 'bold', value: true, expand: false },
      { ...mark, action: 'markEnd', expand: false },
    ];
    expect(refused(encodeChange({ ...decoded, ops: [...decoded.ops, ...(marked as never[])] }))).toBe(true);
  });
});

describe('DO5: an owned document', () => {
  const ownOnly = (edit: (draft: Record<string, unknown>) => void, document = PEOPLE) =>
    read({ document, changes: [changeOf(edit)] }, alice.identity)?.[0]?.ownOnly;

  test('is written at the root under the own identity only', () => {
    const own: string = alice.identity;
    expect(ownOnly((draft) => void (draft[own] = { name: 'Alice', n: new Counter(1) }))).toBe(true);
    expect(ownOnly((draft) => void (draft['other'] = 1))).toBe(false);
    expect(ownOnly((draft) => Object.assign(draft, { [own]: { a: 1 }, other: {} }))).toBe(false);
    expect(ownOnly((draft) => void (draft[`${own} `] = 1))).toBe(false);
    expect(ownOnly((draft) => void (draft['other'] = 1), PAGE)).toBe(true);
  });

  test('and what is below is for whoever has the document to judge', () => {
    let doc = change(
      init<Record<string, unknown>>(actorOf(1)),
      NO_TIME,
      (draft) => void (draft['other'] = { list: [1] }),
    );
    doc = change(doc, NO_TIME, (draft) => void ((draft['other'] as { list: number[] }).list[0] = 2));
    expect(read({ document: PEOPLE, changes: [getLastLocalChange(doc)!] }, alice.identity)?.[0]?.ownOnly).toBe(true);
    let text = change(init<{ text: string }>(actorOf(2)), NO_TIME, (draft) => void (draft.text = 'abc'));
    text = change(text, NO_TIME, (draft) => splice(draft, ['text'], 0, 1, ''));
    expect(read({ document: PAGE, changes: [getLastLocalChange(text)!] }, alice.identity)).toMatchObject([{ seq: 2 }]);
  });
});
