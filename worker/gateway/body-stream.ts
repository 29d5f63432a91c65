// The body of an answer from verified chunks: small ones whole, so that a missing block is an error; larger ones begun before they are sent.

/** Up to here nothing leaves before all of it is here. */
const WHOLE_BODY_BYTES_MAX: number = 1024 * 1024;

export type OpenedBody = {
  readonly body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
  /** Known when the body is whole. */
  readonly length: number | undefined;
};

type FixedLength = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

/** `length`, where it is known, becomes the Content-Length of a stream as well. Throws what the chunks throw at first. */
export async function openBody(chunks: AsyncIterable<Uint8Array>, length?: number): Promise<OpenedBody> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size <= WHOLE_BODY_BYTES_MAX) {
    const next = await iterator.next();
    if (next.done) return { body: join(first, size), length: size };
    first.push(next.value);
    size += next.value.length;
  }
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = first.length > 0 ? { done: false, value: first.shift()! } : await iterator.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  if (length === undefined) return { body: stream, length };
  // workerd drops Content-Length from a stream unless the stream itself is known to have that length.
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLength };
  return { body: FixedLengthStream ? stream.pipeThrough(new FixedLengthStream(length)) : stream, length };
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}
