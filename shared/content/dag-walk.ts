// Walks over graphs of verified blocks (rules CT34–CT36): along a path, over all of an entity, through the bytes of a file.

import { TREE_STEPS_MAX, TREE_WALK_DEPTH_MAX } from '../core/limits.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidCodec, type Cid } from '../codec/cid.ts';
import type { Hasher } from '../platform/ports.ts';
import { verifyBlock } from './blob-verify.ts';
import { ContentError } from './content-error.ts';
import { decodeDagNode, shardPlaceName, type DagLink, type DagNode } from './dag-node.ts';
import { murmur3 } from './murmur3.ts';

/** Blocks asked for ahead of the one that leaves: 2 MiB of leaves hide the delay of a peer. */
const BLOCKS_AHEAD = 8;
/** A name's hash has eight bytes, and each level of a shard takes one. */
const SHARD_DEPTH_MAX = 8;
/** The place of a name in a shard, as two hex digits; a link with nothing more leads to a shard below. */
const PLACE_CHARS = 2;

export type DagSource = {
  /** As in FileToRead: what it returns is hashed here, and asked for once more if it does not match. */
  readonly getBlock: (cid: Cid, attempt: 0 | 1) => Promise<Uint8Array | undefined>;
  readonly hasher: Hasher;
  /** What a dag-cbor block links to and how a path leads on from it; without it such blocks end every walk. */
  readonly structure?: DagStructure;
};

export type DagStructure = {
  links(cid: Cid, bytes: Uint8Array): readonly Cid[];
  /** What all that is left of a path leads to. */
  find(cid: Cid, bytes: Uint8Array, path: readonly string[]): Cid | undefined;
};

export type DagRef = { readonly cid: Cid; readonly legacy: boolean };
/** Verified. */
export type DagBlock = DagRef & { readonly bytes: Uint8Array };

/** `all` below; `entity`: the whole file, or the names of the directory; `block`: only the block itself. */
export type DagScope = 'all' | 'entity' | 'block';

/** Both ends are included; below 0 they count from the end of the file. `to` null: to the end. */
export type EntityRange = { readonly from: number; readonly to: number | null };

export type FoundPath = {
  /** The blocks from the root to the target, the target last. */
  readonly trail: readonly DagBlock[];
  /** The root and what each name of the path leads to. */
  readonly roots: readonly Cid[];
};

/** Null when the blocks on the way prove that there is no such path. Throws ContentError. */
export async function findPath(source: DagSource, root: DagRef, path: readonly string[]): Promise<FoundPath | null> {
  let block = await readBlock(source, root);
  const trail = [block];
  const roots = [root.cid];
  for (const [at, name] of path.entries()) {
    const codec = cidCodec(block.cid);
    if (codec === 'dag-cbor') {
      const found = source.structure?.find(block.cid, block.bytes, path.slice(at));
      if (!found) return null;
      trail.push(await readBlock(source, { cid: found, legacy: false }));
      return { trail, roots: [...roots, found] };
    }
    if (codec === 'raw') return null;
    const steps = await findName(source, block, name);
    if (!steps) return null;
    trail.push(...steps);
    block = steps.at(-1)!;
    roots.push(block.cid);
  }
  return { trail, roots };
}

/** The blocks below a directory that lead to one of its names. */
async function findName(source: DagSource, from: DagBlock, name: string): Promise<DagBlock[] | null> {
  let node = readNode(from);
  if (node.kind === 'directory') {
    const link = node.links.find((one) => one.name === name);
    return link ? [await readBlock(source, refOf(link, from))] : null;
  }
  const steps: DagBlock[] = [];
  const places = murmur3(encodeUtf8(name));
  for (let depth = 0; node.kind === 'shard' && depth < SHARD_DEPTH_MAX; depth++) {
    const place = shardPlaceName(places[depth]!);
    const link = node.links.find((one) => one.name === place || one.name === place + name);
    if (!link) return null;
    const block = await readBlock(source, refOf(link, from));
    steps.push(block);
    if (link.name.length > PLACE_CHARS) return steps;
    node = readNode(block);
  }
  return null;
}

export type DagWalk = {
  readonly scope: DagScope;
  /** With `entity` of a file: only what these bytes need. */
  readonly range?: EntityRange;
  /** Equal blocks each time they are met; else only the first time. */
  readonly repeat?: boolean;
  /** What left before, on the way to the target. */
  readonly seen?: Iterable<Cid>;
};

/** The blocks of `target` and below it, depth first, in the order of their links (CT35). Throws ContentError. */
export async function* walkDag(
  source: DagSource,
  target: DagBlock,
  walk: DagWalk,
): AsyncGenerator<DagBlock, void, undefined> {
  const node = walk.scope === 'entity' ? readEntity(target) : undefined;
  const range = walk.range && node?.kind === 'file' ? resolveRange(walk.range, node.size) : undefined;
  const seen = new Set(walk.seen);
  const state: WalkState = { source, scope: walk.scope, range, repeat: walk.repeat === true, seen, steps: 0 };
  yield* walkFrom(state, { block: target, from: 0, depth: 0 });
}

type WalkState = {
  readonly source: DagSource;
  readonly scope: DagScope;
  readonly range: { readonly from: number; readonly to: number } | undefined;
  readonly repeat: boolean;
  readonly seen: Set<Cid>;
  steps: number;
};

type WalkPlace = { readonly block: DagBlock; readonly from: number; readonly depth: number };
type Child = { readonly ref: DagRef; readonly from: number };

async function* walkFrom(state: WalkState, place: WalkPlace): AsyncGenerator<DagBlock, void, undefined> {
  const { block, depth } = place;
  if (depth > TREE_WALK_DEPTH_MAX) throw new ContentError('tree_invalid', 'the tree is too deep', block.cid);
  if ((state.steps += depth + 1) > TREE_STEPS_MAX)
    throw new ContentError('tree_invalid', 'the tree is too large', block.cid);
  state.seen.add(block.cid);
  yield block;
  const children = listChildren(state, place);
  for await (const { child, bytes } of fetchAhead(state, children)) {
    if (!state.repeat && state.seen.has(child.ref.cid)) continue;
    yield* walkFrom(state, { block: { ...child.ref, bytes: await bytes }, from: child.from, depth: depth + 1 });
  }
}

function listChildren({ source, scope, range }: WalkState, { block, from, depth }: WalkPlace): Child[] {
  if (scope === 'block') return [];
  const codec = cidCodec(block.cid);
  if (codec === 'raw') return [];
  if (codec === 'dag-cbor') {
    if (scope === 'entity') return [];
    const links = source.structure?.links(block.cid, block.bytes) ?? [];
    return links.map((cid) => ({ ref: { cid, legacy: false }, from: 0 }));
  }
  const node = readNode(block);
  if (node.kind === 'file') return listParts(node, { block, from, depth }, range);
  const links =
    scope === 'all'
      ? node.links
      : node.kind === 'shard'
        ? node.links.filter(({ name }) => name.length === PLACE_CHARS)
        : [];
  return links.map((link) => ({ ref: refOf(link, block), from: 0 }));
}

function listParts(
  node: Extract<DagNode, { kind: 'file' }>,
  { block, from }: WalkPlace,
  range: { readonly from: number; readonly to: number } | undefined,
): Child[] {
  let at = from + node.data.length;
  const parts: Child[] = [];
  for (const [index, link] of node.links.entries()) {
    const size = node.sizes[index]!;
    if (!range || (at < range.to && at + size > range.from)) parts.push({ ref: refOf(link, block), from: at });
    at += size;
  }
  return parts;
}

/** Asks for the next blocks while the first is used; nobody waits for those that are not needed in the end. */
async function* fetchAhead(
  { source, repeat, seen }: WalkState,
  children: readonly Child[],
): AsyncGenerator<{ child: Child; bytes: Promise<Uint8Array> }, void, undefined> {
  const asked: { child: Child; bytes: Promise<Uint8Array> }[] = [];
  let next = 0;
  for (;;) {
    while (next < children.length && asked.length < BLOCKS_AHEAD) {
      const child = children[next++]!;
      if (!repeat && seen.has(child.ref.cid)) continue;
      const bytes = readVerified(source, child.ref.cid);
      bytes.catch(() => undefined);
      asked.push({ child, bytes });
    }
    const first = asked.shift();
    if (!first) return;
    yield first;
  }
}

/** How many bytes a file has; undefined for what is no file. The block is verified. */
export function sizeOfFile(block: DagBlock): number | undefined {
  const node = readEntity(block);
  return node?.kind === 'file' ? node.size : node?.kind === 'symlink' ? node.target.length : undefined;
}

/** The bytes `from` ≤ i < `to` of a file whose first block is here (CT36). Throws ContentError. */
export async function* readEntityBytes(
  source: DagSource,
  target: DagBlock,
  range: { readonly from: number; readonly to: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const state: WalkState = { source, scope: 'entity', range, repeat: true, seen: new Set(), steps: 0 };
  yield* readFrom(state, { block: target, from: 0, depth: 0, size: undefined });
}

async function* readFrom(
  state: WalkState,
  place: WalkPlace & { readonly size: number | undefined },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { block, from, depth, size } = place;
  const range = state.range!;
  if (depth > TREE_WALK_DEPTH_MAX) throw new ContentError('tree_invalid', 'the tree is too deep', block.cid);
  if ((state.steps += depth + 1) > TREE_STEPS_MAX)
    throw new ContentError('tree_invalid', 'the tree is too large', block.cid);
  const node = readEntity(block);
  const symlink = node?.kind === 'symlink';
  if (!symlink && node?.kind !== 'file') throw new ContentError('tree_invalid', 'this is no file', block.cid);
  const data = symlink ? node.target : node.data;
  if (size !== undefined && (symlink ? data.length : node.size) !== size) {
    throw new ContentError(
      'tree_invalid',
      `a part has another size than the ${size} bytes that were promised`,
      block.cid,
    );
  }
  const chunk = data.subarray(Math.max(0, range.from - from), Math.max(0, range.to - from));
  if (chunk.length > 0) yield chunk;
  if (symlink) return;
  const sizes = new Map(childOffsets(node, from));
  for await (const { child, bytes } of fetchAhead(state, listParts(node, place, range))) {
    const part = { block: { ...child.ref, bytes: await bytes }, from: child.from, depth: depth + 1 };
    yield* readFrom(state, { ...part, size: sizes.get(child.from) });
  }
}

function* childOffsets(
  node: Extract<DagNode, { kind: 'file' }>,
  from: number,
): Generator<[number, number], void, undefined> {
  let at = from + node.data.length;
  for (const size of node.sizes) {
    if (size > 0) yield [at, size];
    at += size;
  }
}

function resolveRange({ from, to }: EntityRange, size: number): { from: number; to: number } {
  const start = from < 0 ? Math.max(0, size + from) : from;
  const last = to === null ? size - 1 : to < 0 ? size + to : to;
  return { from: start, to: Math.min(size, last + 1) };
}

/** A raw block is a file of its own; a dag-cbor block is nothing that has bytes or names. */
function readEntity(block: DagBlock): DagNode | undefined {
  const codec = cidCodec(block.cid);
  if (codec === 'dag-cbor') return undefined;
  if (codec === 'dag-pb') return readNode(block);
  return { kind: 'file', data: block.bytes, links: [], sizes: [], size: block.bytes.length };
}

/** The node of a verified dag-pb block. Throws ContentError `tree_invalid`. */
export function readNode({ cid, bytes }: DagBlock): DagNode {
  const node = decodeDagNode(bytes);
  if (node.ok) return node.value;
  throw new ContentError('tree_invalid', node.error.because, cid);
}

function refOf({ cid, legacy }: DagLink, { cid: from }: DagBlock): DagRef {
  if (cid) return { cid, legacy };
  throw new ContentError('tree_invalid', 'it links to content of a kind that is not used here', from);
}

export async function readBlock(source: DagSource, ref: DagRef): Promise<DagBlock> {
  return { ...ref, bytes: await readVerified(source, ref.cid) };
}

async function readVerified({ getBlock, hasher }: DagSource, cid: Cid): Promise<Uint8Array> {
  for (const attempt of [0, 1] as const) {
    const bytes = await getBlock(cid, attempt);
    if (!bytes) throw new ContentError('block_missing', `nobody has the block ${cid}`, cid);
    if (await verifyBlock(cid, bytes, hasher)) return bytes;
  }
  throw new ContentError('block_corrupt', `what came for the block ${cid} is not that block`, cid);
}
