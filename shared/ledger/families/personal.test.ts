import { expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  nextBlock,
  outcomeOf,
  write,
} from '../../../test/simulator/ledger-world.ts';
import { encodeCanonical } from '../../codec/canonical.ts';
import { bytes, struct, uint } from '../../codec/schema.ts';
import { previewEntry } from '../admission.ts';
import { readRecord } from '../state.ts';
import { identityPersonal, PERSONAL, PERSONAL_BOX_BYTES_MAX } from './personal.ts';

const point = (seq: number, fill: number, length = 8) =>
  identityPersonal.create({ seq, sealed: new Uint8Array(length).fill(fill) });

test('LG90: of two devices that found a personal group at once one wins, and a later one replaces it knowingly', async () => {
  const [phone, laptop] = [await createUnsignedPerson('alice', 'phone'), await createUnsignedPerson('alice', 'laptop')];
  const bob = await createUnsignedPerson('bob');
  const world = createWorld([phone, bob]);
  const pointer = () => readRecord(world.state, PERSONAL, phone.identity);

  const rivals = [await write(phone, [point(1, 1)]), await write(laptop, [point(1, 2)])];
  const executed = makeBlock(world, rivals);
  expect(rivals.map((entry) => outcomeOf(executed, entry)).sort()).toEqual(['ok', 'wrong_state']);
  const won = rivals.findIndex((entry) => outcomeOf(executed, entry) === 'ok') + 1;
  expect(pointer()).toEqual({ seq: 1, sealed: new Uint8Array(8).fill(won) });

  const own = await write(bob, [point(1, 9)]);
  expect(outcomeOf(makeBlock(world, [own]), own)).toBe('ok');
  expect(pointer()?.sealed[0]).toBe(won);

  const skipping = await write(phone, [point(3, 3)]);
  expect(outcomeOf(makeBlock(world, [skipping]), skipping)).toBe('wrong_state');
  const next = await write(laptop, [point(2, 3)]);
  expect(outcomeOf(makeBlock(world, [next]), next)).toBe('ok');
  expect(pointer()).toEqual({ seq: 2, sealed: new Uint8Array(8).fill(3) });
});

test('LG90: a pointer has at most 1,024 bytes, and strangers have none', async () => {
  const [alice, stranger] = [await createUnsignedPerson('alice'), await createUnsignedPerson('stranger')];
  const world = createWorld([alice]);
  const body = encodeCanonical(struct({ seq: uint(), sealed: bytes({ max: 2_000 }) }), {
    ...{ seq: 1, sealed: new Uint8Array(PERSONAL_BOX_BYTES_MAX + 1) },
  });
  const large = await write(alice, [{ kind: identityPersonal.kind, body }]);
  expect(outcomeOf(makeBlock(world, [large]), large)).toBe('bad_encoding');
  const full = await write(alice, [point(1, 1, PERSONAL_BOX_BYTES_MAX)]);
  expect(outcomeOf(makeBlock(world, [full]), full)).toBe('ok');
  const refused = previewEntry(nextBlock(world), await write(stranger, [point(1, 1)]));
  expect(refused).toEqual({ outcome: 'refuse', code: 'unknown_author' });
});
