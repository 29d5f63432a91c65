// Small answers every route uses: a failure as JSON, and a request body that cannot be larger than allowed.

import type { Failure } from '../../shared/core/result.ts';
import { concatBytes } from '../../shared/core/bytes.ts';

/** `{code, because}`: the code is stable, the sentence is for a person. Never cached. */
export function answerFailure(
  status: number,
  { code, because }: Failure,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ code, because }, { status, headers: { ...headers, 'cache-control': 'no-store' } });
}

/** The body, or null when it is larger than `max` bytes; memory is taken for no more than that. */
export async function readBounded(request: Request, max: number): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > max) return null;
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
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
  return concatBytes(...parts);
}
