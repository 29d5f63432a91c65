// The small answer every route uses: a failure as JSON.

import type { Failure } from '../../shared/core/result.ts';

/** `{code, because}`: the code is stable, the sentence is for a person. Never cached. */
export function answerFailure(
  status: number,
  { code, because }: Failure,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ code, because }, { status, headers: { ...headers, 'cache-control': 'no-store' } });
}
