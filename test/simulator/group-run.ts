// One run of a group from a seed: members found, join, write, crash, lose the network and come back; in the end all must agree.

import { toHex, encodeUtf8 } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import { messageOf } from '../../shared/core/message-of.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { parseDocumentName, type DocumentName } from '../../shared/feeds/document-name.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { inviteTo } from './group-pair.ts';
import { createGroupWorld, type GroupWorld, type WorldMember } from './group-world.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createSeededRandom, type SeededRandom } from './seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

const MEMBERS = ['alice', 'bob', 'carol', 'dave'] as const;
const DOCUMENTS = ['pages/plan', 'pages/notes', 'people', 'about'].map((name) => {
  const parsed = parseDocumentName(name);
  assert(parsed.ok, 'the name of a document');
  return parsed.value;
});
/** Things that happen in one run, before the faults end. */
const STEPS = 24;
/** A frame of the faulty time is dropped, doubled or held back with these parts. */
const DROPPED = 0.02;
const DOUBLED = 0.02;
const HELD = 0.02;
/** After the faults, ms: reconnects, catch-up, void edits made again, blocks. */
const HEALING_MAX = 300_000;

export type GroupRun = {
  readonly seed: number;
  /** Of every member's tip, documents and receipts: equal for two runs of one seed. */
  readonly digest: string;
  readonly height: number;
  readonly edits: number;
  readonly crashes: number;
};

type Place = { readonly name: string; readonly disk: MemoryDisk; member: WorldMember | null };
type Run = {
  readonly clock: SimulatedClock;
  readonly chance: SeededRandom;
  readonly world: GroupWorld;
  readonly places: Place[];
  faulty: boolean;
  group: string;
  /** Keys of edits that were on disk when they were acknowledged. */
  readonly acknowledged: { readonly document: DocumentName; readonly key: string; readonly by: string }[];
  edits: number;
  crashes: number;
};

/** Rejects with what went wrong; the seed is in the message. `order`: whose devices validate. */
export async function runGroup(seed: number, order: 'founder' | 'all' = 'founder'): Promise<GroupRun> {
  const run = createRun(seed);
  try {
    await found(run, order);
    run.faulty = true;
    for (let step = 0; step < STEPS; step++) await takeStep(run);
    run.faulty = false;
    await heal(run);
    return await judge(run, seed);
  } catch (error) {
    throw new Error(`seed ${seed}: ${messageOf(error)}`, { cause: error });
  } finally {
    for (const { member } of run.places) member?.kill();
  }
}

function createRun(seed: number): Run {
  const clock = createSimulatedClock();
  const chance = createSeededRandom(seed);
  const held: Uint8Array[] = [];
  const run: Run = {
    clock,
    chance,
    places: [],
    faulty: false,
    group: '',
    acknowledged: [],
    edits: 0,
    crashes: 0,
    world: createGroupWorld({
      clock,
      seed,
      delay: { min: 1, max: 80 },
      tamper(frame) {
        if (!run.faulty) return [frame];
        const drawn = chance.fraction();
        if (drawn < DROPPED) return [];
        if (drawn < DROPPED + DOUBLED) return [frame, frame.slice()];
        if (drawn < DROPPED + DOUBLED + HELD) {
          held.push(frame);
          return [];
        }
        return [frame, ...held.splice(0)];
      },
    }),
  };
  return run;
}

async function found(run: Run, order: 'founder' | 'all'): Promise<void> {
  const { clock, chance, places } = run;
  const count = 2 + Math.floor(chance.fraction() * (MEMBERS.length - 1));
  for (const name of MEMBERS.slice(0, count)) {
    const disk = createMemoryDisk();
    places.push({ name, disk, member: await run.world.startMember({ name, disk }) });
  }
  const [first, ...others] = places;
  const read = chance.fraction() < 0.5 ? 'members' : 'public';
  const cofounders = order === 'all' ? await Promise.all(others.map(({ member }) => member!.groups.offer())) : [];
  const node = await first!.member!.groups.create({ name: 'Group', read, others: cofounders });
  run.group = node.group;
  for (const { member } of others) {
    await member!.groups.join(await inviteTo(node, first!.member!), '');
  }
  await clock.advance(Math.floor(chance.fraction() * 3_000));
}

async function takeStep(run: Run): Promise<void> {
  const { clock, chance, world, places } = run;
  const place = places[Math.floor(chance.fraction() * places.length)]!;
  const drawn = chance.fraction();
  if (drawn < 0.6) await edit(run, place);
  else if (drawn < 0.75) crash(run, place);
  else if (drawn < 0.85) for (const room of world.rooms.values()) room.cutAll();
  else if (drawn < 0.88) for (const room of world.rooms.values()) room.setOpen(chance.fraction() < 0.5);
  else if (drawn < 0.94) place.member?.setReachable(chance.fraction() < 0.5);
  else await restart(run, place);
  await clock.advance(Math.floor(chance.fraction() ** 2 * 4_000));
}

async function edit(run: Run, { name, member }: Place): Promise<void> {
  const { chance } = run;
  const node = member && nodeOf(run, member);
  if (!member || !node) return;
  const document = DOCUMENTS[Math.floor(chance.fraction() * DOCUMENTS.length)]!;
  const key = `${name}-${++run.edits}`;
  await node.documents.load(document);
  const value = node.documents.value(document) as Record<string, unknown> | undefined;
  const owned = document === 'people';
  if (owned && !value?.[member.identity]) {
    node.documents.change(document, [{ action: 'put', path: [member.identity], value: {} }]);
  }
  const path = owned ? [member.identity, key] : [key];
  const changed = node.documents.change(document, [{ action: 'put', path, value: 1 }]);
  assert(changed.ok, changed.ok ? '' : changed.error.because);
  const flushed = node.flush().then(
    () => run.acknowledged.push({ document, key, by: member.identity }),
    () => undefined,
  );
  if (chance.fraction() < 0.5) await Promise.race([flushed, run.clock.advance(50)]);
}

function crash(run: Run, place: Place): void {
  if (!place.member) return;
  place.member.kill();
  place.member = null;
  run.crashes++;
}

async function restart({ world }: Run, place: Place): Promise<void> {
  place.member ??= await world.startMember({ name: place.name, disk: place.disk });
}

async function heal(run: Run): Promise<void> {
  const { clock, world, places } = run;
  for (const room of world.rooms.values()) {
    room.setOpen(true);
    room.cutAll();
  }
  for (const place of places) await restart(run, place);
  for (const { member } of places) {
    member!.setReachable(true);
    member!.groups.wake();
  }
  await untilSettled(run);
  for (const { member } of places) {
    for (const document of DOCUMENTS) await nodeOf(run, member!)!.documents.load(document);
  }
  await clock.advance(2_000);
  await untilSettled(run);
}

async function untilSettled(run: Run): Promise<void> {
  try {
    await run.clock.advanceUntil(() => isSettled(run), HEALING_MAX);
  } catch {
    throw new Error(`the members do not come to rest: ${describe(run)}`);
  }
}

function describe(run: Run): string {
  const members = run.places.map(({ name, member }) => {
    const node = member && nodeOf(run, member);
    if (!node) return { name, node: null };
    const { chain, outbox, documents, peers } = node;
    const owed = outbox.pending.map(({ id }) => outbox.delayOf(id)?.code ?? 'owed');
    const waits = chain.pool.inOrder().map(({ body }) => `${body.feed.slice(0, 4)}/${body.seq}`);
    const unsent = documents.hasUnsent();
    return {
      name,
      height: chain.tip.height,
      waits,
      owed,
      unsent,
      peers: peers.length,
      role: node.roleOf(member.identity),
    };
  });
  return JSON.stringify(members);
}

function isSettled(run: Run): boolean {
  const nodes = run.places.map(({ member }) => member && nodeOf(run, member));
  const tips = new Set(nodes.map((node) => node?.chain.tip.id));
  return (
    tips.size === 1 &&
    nodes.every((node) => node && node.chain.pool.size === 0 && node.outbox.pending.length === 0) &&
    nodes.every((node) => !node!.documents.hasUnsent())
  );
}

async function judge(run: Run, seed: number): Promise<GroupRun> {
  const nodes = run.places.map(({ member }) => nodeOf(run, member!)!);
  const pictures = nodes.map((node) =>
    JSON.stringify({
      tip: node.chain.tip.id,
      documents: DOCUMENTS.map((document) => [
        document,
        node.documents.heads(document),
        node.documents.value(document),
      ]),
    }),
  );
  assert(new Set(pictures).size === 1, `members see different documents: ${pictures.join('\n')}`);
  for (const { document, key, by } of run.acknowledged) {
    const value = nodes[0]!.documents.value(document) as Record<string, Record<string, unknown>> | undefined;
    const held = document === 'people' ? value?.[by]?.[key] : value?.[key];
    assert(held !== undefined, `the acknowledged edit ${key} of ${document} is lost`);
  }
  const digest = toHex(sha256(encodeUtf8(pictures.join('\n'))));
  return { seed, digest, height: nodes[0]!.chain.tip.height, edits: run.edits, crashes: run.crashes };
}

function nodeOf({ group }: Run, { groups }: WorldMember): GroupNode | undefined {
  const node = groups.get(group);
  return node.ok ? node.value : undefined;
}
