// The calls on content: bytes in, CIDs out; what is missing here is fetched from others, and everything is verified.

import type { WeftApi } from '../api.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { FileToRead } from '../../shared/content/unixfs.ts';
import type { EngineContext } from './engine-context.ts';
import { cidCodec, parseCid } from '../../shared/codec/cid.ts';
import { ContentError } from '../../shared/content/content-error.ts';
import { readFile, splitFile } from '../../shared/content/unixfs.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { BlockFetcher } from '../../shared/node/block-fetcher.ts';
import { NodeFailure, orThrow, reject } from '../transport/failure-transfer.ts';

/** One answer is one array in memory: more is read in ranges. */
const GET_BYTES_MAX: number = 256 * 1024 * 1024;

export function createBlobCalls(context: EngineContext): WeftApi['blobs'] {
  const { blobs, hasher, keeper } = context;
  const listPins = () => [...keeper.pins].map(([cid, bytes]) => ({ cid, bytes }));
  return {
    async put(bytes) {
      const cid = await keeper.during(async (held) => {
        const parts = splitFile(bytes, hasher);
        for (;;) {
          const { done, value } = await parts.next();
          if (!done) {
            await held.putMany(value);
            continue;
          }
          await keeper.pin(value.cid, bytes.length);
          return value.cid;
        }
      });
      context.mark('status');
      return cid;
    },
    async get(text, { range } = {}) {
      const chunks: Uint8Array[] = [];
      let length = 0;
      await read(context, { cid: readFileCid(text), ...(range && { range }) }, (chunk) => {
        length += chunk.length;
        if (length > GET_BYTES_MAX)
          return reject('too_large', 'This is too much for one answer: ask for ranges of it.');
        chunks.push(chunk);
      });
      return concatBytes(...chunks);
    },
    async pin(text) {
      const cid = readFileCid(text);
      await keeper.during(async (held) => {
        let bytes = 0;
        await read({ ...context, blobs: held }, { cid }, (chunk) => (bytes += chunk.length));
        await keeper.pin(cid, bytes);
      });
      context.mark('status');
    },
    async unpin(text) {
      await keeper.unpin(readFileCid(text));
    },
    pins: async () => listPins(),
    async stats() {
      const [held, { quota = 0 }] = await Promise.all([blobs.stats(), navigator.storage.estimate()]);
      return { ...held, pinned: listPins().reduce((sum, { bytes }) => sum + bytes, 0), quota };
    },
  };
}

function readFileCid(text: string): Cid {
  const cid = orThrow(parseCid(text));
  if (cidCodec(cid) !== 'dag-cbor') return cid;
  return reject('not_a_file', 'This CID names a structure, not a file: give the CID of a file in it.');
}

/** Blocks that were not here are stored as they come, so reading everything keeps everything. */
async function read(
  { node, blobs, clock, hasher, directSources }: EngineContext,
  file: Pick<FileToRead, 'cid' | 'range'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  /** Connected to others when the first block is missing here. */
  const others: { fetcher: Promise<BlockFetcher> | null } = { fetcher: null };
  const connect = async (): Promise<BlockFetcher> => {
    const connected = new BlockFetcher({ clock, hasher });
    // Members that are connected directly are nearer than whoever a relay has to be asked for.
    for (const source of await directSources()) connected.addSource(source);
    for (const source of await node.findSources(file.cid)) connected.addSource(source);
    return connected;
  };
  const getBlock: FileToRead['getBlock'] = async (cid, attempt) => {
    const held = attempt === 0 ? await blobs.get(cid) : undefined;
    if (held) return held;
    const fetched = await (await (others.fetcher ??= connect())).fetch({ cid });
    if (fetched) await blobs.putMany([fetched]);
    return fetched?.bytes;
  };
  try {
    for await (const chunk of readFile({ ...file, hasher, getBlock })) take(chunk);
  } catch (error) {
    if (error instanceof ContentError) throw new NodeFailure({ code: error.code, message: error.message });
    throw error;
  } finally {
    (await others.fetcher)?.abandon();
  }
}
