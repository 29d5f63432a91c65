import { expect, test } from 'vitest';
import { writeEdit, type DocumentAuthor } from '../../test/simulator/document-author.ts';
import {
  createPerson,
  feedIdOf,
  GROUP,
  makeBlock,
  nextBlock,
  outcomeOf,
  START,
  write,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { createGroupGenesis } from '../chain/group-genesis.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { followFeed } from '../feeds/feed.ts';
import { createPrecheck, previewEntry } from './admission.ts';
import { EMPTY_INDEX } from './document-index.ts';
import { deviceRevoke } from './families/devices.ts';
import { createGenesisState } from './genesis-state.ts';
import { DOCUMENT } from './group-records.ts';
import { DEVICE, FEED, OWNERSHIP } from './records.ts';
import { readRecord } from './state.ts';

const notes = 'pages/notes' as DocumentName;
const phone: DocumentAuthor = { person: await createPerson('alice', 'phone'), actors: new Map() };
const laptop: DocumentAuthor = { person: await createPerson('alice', 'laptop'), actors: new Map() };
const stranger: DocumentAuthor = { person: await createPerson('mallory'), actors: new Map() };

function found(): World {
  const genesis = createGroupGenesis({
    name: 'Alice',
    read: 'members',
    founder: { identity: phone.person.identity, sealingKey: new Uint8Array(32) },
    validator: phone.person.signer.key,
    created: START,
  });
  const state = createGenesisState(genesis);
  if (!state.ok) throw new Error(state.error.because);
  return { state: state.value, parentId: GROUP, height: 0, time: START, index: EMPTY_INDEX };
}

function preview(world: World, entry: VerifiedEntry): string {
  const admission = previewEntry(nextBlock(world), entry);
  return admission.outcome === 'apply' ? 'ok' : admission.code;
}

test('LG8, LG9: devices of one phrase share a group without an invite, until one of them revokes another', async () => {
  const world = found();
  const { identity } = phone.person;

  // The second device's first entry brings its certificate and may be an edit.
  const first = await writeEdit(phone, { document: notes });
  const joined = await writeEdit(laptop, { document: notes, deps: [first.hash] });
  const parsed = { ...joined.entry, bodyBytes: joined.entry.bytes, sig: joined.entry.bytes };
  expect(createPrecheck(nextBlock(world))(parsed, identity)).toBeUndefined();
  const executed = makeBlock(world, [first.entry, joined.entry]);
  expect([first, joined].map(({ entry }) => outcomeOf(executed, entry))).toEqual(['ok', 'ok']);
  const keys = [phone, laptop].map(({ person }) => person.signer.key);
  expect(readRecord(world.state, OWNERSHIP, identity)?.devices.toSorted()).toEqual(keys.toSorted());
  const foreign = await writeEdit(stranger, { document: notes, deps: [joined.hash] });
  expect(preview(world, foreign.entry)).toBe('unknown_author');

  // Lost: what it had ordered stays, whatever it still sends does not.
  const revoke = deviceRevoke.create({ device: laptop.person.signer.key });
  const revocation = await write(phone.person, [revoke]);
  expect(outcomeOf(makeBlock(world, [revocation]), revocation)).toBe('ok');
  expect(readRecord(world.state, DEVICE, laptop.person.signer.key)?.revoked).toBe(2);
  expect(readRecord(world.state, FEED, laptop.person.writer.feed)?.open).toBe(false);
  const late = await writeEdit(laptop, { document: notes, deps: [joined.hash] });
  expect(preview(world, late.entry)).toBe('device_revoked');
  const writer = followFeed(laptop.person.writer, feedIdOf('another feed'));
  const elsewhere: DocumentAuthor = { person: { ...laptop.person, writer }, actors: new Map() };
  expect(preview(world, (await writeEdit(elsewhere, { document: notes })).entry)).toBe('device_revoked');
  const back = deviceRevoke.create({ device: phone.person.signer.key });
  expect(preview(world, await write({ ...elsewhere.person }, [back]))).toBe('device_revoked');

  const next = await writeEdit(phone, { document: notes, deps: [joined.hash] });
  const onLost = await writeEdit(phone, { document: notes, deps: [late.hash] });
  const last = makeBlock(world, [next.entry, onLost.entry]);
  expect([next, onLost].map(({ entry }) => outcomeOf(last, entry))).toEqual(['ok', 'missing_dependency']);
  expect(readRecord(world.state, DOCUMENT, notes)?.heads).toEqual([next.hash]);

  // The same phrase on a new device starts over.
  const tablet: DocumentAuthor = { person: await createPerson('alice', 'tablet'), actors: new Map() };
  const again = await writeEdit(tablet, { document: notes, deps: [next.hash] });
  expect(outcomeOf(makeBlock(world, [again.entry]), again.entry)).toBe('ok');
});
