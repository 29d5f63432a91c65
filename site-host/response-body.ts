// Bodies of answers: whole before they leave while they are small, else streams of known length; several ranges as one body (rules SI14, SI16).

import { encodeUtf8 } from '../shared/codec/base.ts';
import { ContentError } from '../shared/content/content-error.ts';
import type { ByteRange } from '../shared/content/unixfs.ts';

/** Up to here a body is whole before the first byte leaves: a bad block is then a clear error, not a torn file. */
const WHOLE_BODY_BYTES_MAX: number = 1024 * 1024;

export type Chunks = AsyncIterable<Uint8Array>;

/** Waits for the first block at least, so that a site that cannot be read is an error and no empty page. */
export async function openBody(
  chunks: Chunks,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  if (length <= WHOLE_BODY_BYTES_MAX) return await collectBody(iterator, length);
  let next: IteratorResult<Uint8Array> | undefined = await iterator.next();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = next ?? (await iterator.next());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return fixLength(stream, length);
}

/** RFC 9110 §14.6. `boundary` must not occur in the file: the CID of a file is not known before its last byte is. */
export function joinParts(file: {
  readonly ranges: readonly ByteRange[];
  readonly size: number;
  readonly type: string;
  readonly boundary: string;
  readonly read: (range: ByteRange) => Chunks;
}): { readonly length: number; readonly chunks: () => Chunks } {
  const { ranges, size, type, boundary, read } = file;
  const heads = ranges.map(({ from, to }) =>
    encodeUtf8(`\r\n--${boundary}\r\ncontent-type: ${type}\r\ncontent-range: bytes ${from}-${to - 1}/${size}\r\n\r\n`),
  );
  const end = encodeUtf8(`\r\n--${boundary}--\r\n`);
  const length = ranges.reduce((sum, { from, to }, at) => sum + heads[at]!.length + to - from, end.length);
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const [at, range] of ranges.entries()) {
      // Read first: a block that is missing is found out before anything left.
      const body = read(range)[Symbol.asyncIterator]();
      let next = await body.next();
      yield heads[at]!;
      for (; !next.done; next = await body.next()) yield next.value;
    }
    yield end;
  }
  return { length, chunks };
}

type FixedLength = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

/** workerd drops Content-Length from a streamed answer unless the stream itself is known to have that length. */
function fixLength(stream: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLength };
  return FixedLengthStream ? stream.pipeThrough(new FixedLengthStream(length)) : stream;
}

async function collectBody(iterator: AsyncIterator<Uint8Array>, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(length);
  let at = 0;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    if (at + next.value.length > length) throw new ContentError('tree_invalid', 'the file is longer than promised');
    body.set(next.value, at);
    at += next.value.length;
  }
  if (at < length) throw new ContentError('tree_invalid', 'the file is shorter than promised');
  return body;
}
