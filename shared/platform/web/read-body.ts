// The body of a request or an answer, in memory that is bounded before it is taken.

import { concatBytes } from '../../core/bytes.ts';

/** Null when it is larger than `max` bytes. */
export async function readBody(
  { headers, body }: { readonly headers: Headers; readonly body: ReadableStream<Uint8Array> | null },
  max: number,
): Promise<Uint8Array | null> {
  if (Number(headers.get('content-length') ?? 0) > max) return null;
  const reader = body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > max) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  return parts.length === 1 ? parts[0]! : concatBytes(...parts);
}
