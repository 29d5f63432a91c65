// Code that is fetched when it is first needed, and the one sentence for when it cannot be.

import { fail, ok, type Failure, type Result } from './result.ts';

export type PartFailure = Failure<'part_not_loaded'>;

/** Also after a new release, when the edge has no part of this one any more. */
const NOT_LOADED: PartFailure = {
  code: 'part_not_loaded',
  because: 'A part of weft could not be loaded: check the connection and try again, or reload the page.',
};

class PartMissing extends Error {
  readonly code = NOT_LOADED.code;
}

/** `load` is one `import()`; whoever needs a part that did not come has it fetched again. */
export async function loadPart<T>(load: () => Promise<T>): Promise<Result<T, PartFailure>> {
  try {
    return ok(await load());
  } catch {
    return fail(NOT_LOADED.code, NOT_LOADED.because);
  }
}

/** For those who reject: with `code` and `message`, as calls of the JavaScript API do. */
export async function needPart<T>(load: () => Promise<T>): Promise<T> {
  const part = await loadPart(load);
  if (!part.ok) throw new PartMissing(part.error.because);
  return part.value;
}
