import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { MESSAGE_BYTES_MAX } from '../core/limits.ts';
import { OPEN_MESSAGES_MAX, Reassembler, splitMessage } from './fragments.ts';

const FIRST = 2;
const LAST = 1;

function fragment(id: number, flags: number, length: number): Uint8Array {
  const bytes = new Uint8Array(3 + length);
  bytes.set([id >>> 8, id, flags]);
  return bytes;
}

test('PR2: messages of several peers, interleaved, come out as they went in', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: OPEN_MESSAGES_MAX }),
      fc.infiniteStream(fc.nat(1_000)),
      (messages, picks) => {
        const queues = messages.map((message, id) => splitMessage(message, { id, fragmentBytesMax: 20 }));
        const reassembler = new Reassembler();
        const out = new Map<number, Uint8Array>();
        while (queues.some((queue) => queue.length > 0)) {
          const ready = queues.flatMap((queue, id) => (queue.length > 0 ? [id] : []));
          const id = ready[picks.next().value! % ready.length]!;
          const pushed = reassembler.push(id % 2, queues[id]!.shift()!);
          expect(pushed.ok).toBe(true);
          if (pushed.ok && pushed.value !== null) out.set(id, pushed.value);
        }
        messages.forEach((message, id) => expect(out.get(id)).toEqual(message));
      },
    ),
    { numRuns: FUZZ_CASES },
  );
});

test('PR2: any fragments give messages within the bound or a failure, never more', () => {
  const outside = fc.record({
    peer: fc.nat(3),
    bytes: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.tuple(fc.nat(10), fc.nat(4), fc.nat(60_000)).map(([id, flags, length]) => fragment(id, flags, length)),
    ),
  });
  fc.assert(
    fc.property(fc.array(outside, { maxLength: 60 }), (pushes) => {
      const reassembler = new Reassembler();
      for (const { peer, bytes } of pushes) {
        const pushed = reassembler.push(peer, bytes);
        if (pushed.ok) expect(pushed.value?.length ?? 0).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        else expect(['bad_fragment', 'message_too_large', 'too_many_messages']).toContain(pushed.error.code);
      }
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('PR2: a largest message passes, one byte more is refused', () => {
  const reassembler = new Reassembler();
  const fragments = splitMessage(new Uint8Array(MESSAGE_BYTES_MAX), { id: 9, fragmentBytesMax: 65_000 });
  const results = fragments.map((bytes) => reassembler.push(1, bytes));
  expect(results.at(-1)).toMatchObject({ ok: true, value: { length: MESSAGE_BYTES_MAX } });
  reassembler.push(1, fragment(1, FIRST, MESSAGE_BYTES_MAX));
  expect(reassembler.push(1, fragment(1, LAST, 1))).toMatchObject({ error: { code: 'message_too_large' } });
});

test('PR2: a ninth unfinished message is refused, and so is a continuation of none', () => {
  const reassembler = new Reassembler();
  for (let id = 0; id < OPEN_MESSAGES_MAX; id++) expect(reassembler.push(1, fragment(id, FIRST, 1)).ok).toBe(true);
  expect(reassembler.push(1, fragment(99, FIRST, 1))).toMatchObject({ error: { code: 'too_many_messages' } });
  expect(reassembler.push(2, fragment(0, FIRST, 1)).ok).toBe(true);
  expect(reassembler.push(3, fragment(0, LAST, 1))).toMatchObject({ error: { code: 'bad_fragment' } });
});

test('PR2: many empty fragments are refused before they add up', () => {
  const reassembler = new Reassembler();
  reassembler.push(1, fragment(1, FIRST, 0));
  const results = Array.from({ length: 100 }, () => reassembler.push(1, fragment(1, 0, 0)));
  expect(results.some((result) => !result.ok && result.error.code === 'message_too_large')).toBe(true);
});

test('PR2: when memory is full the peer that holds most of it pays, and the others keep theirs', () => {
  const reassembler = new Reassembler();
  const modest = splitMessage(new Uint8Array(1_000).fill(5), { id: 1, fragmentBytesMax: 600 });
  expect(reassembler.push(1, modest[0]!)).toEqual({ ok: true, value: null });
  for (let peer = 2; peer < 12; peer++) {
    for (let id = 0; id < OPEN_MESSAGES_MAX; id++) reassembler.push(peer, fragment(id, FIRST, 900_000));
  }
  expect(reassembler.push(1, modest[1]!)).toEqual({ ok: true, value: new Uint8Array(1_000).fill(5) });
  const left = Array.from({ length: 10 }, (_, i) => reassembler.push(2 + i, fragment(0, LAST, 0)));
  expect(left.filter((result) => result.ok).length).toBeLessThan(6);
  expect(left.filter((result) => result.ok).length).toBeGreaterThan(2);
});

test('PR2: a peer that is forgotten leaves nothing behind', () => {
  const reassembler = new Reassembler();
  reassembler.push(1, fragment(1, FIRST, 10));
  reassembler.forget(1);
  expect(reassembler.push(1, fragment(1, LAST, 10))).toMatchObject({ error: { code: 'bad_fragment' } });
});
