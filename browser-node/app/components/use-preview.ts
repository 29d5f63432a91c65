// What something would come to while one still chooses it: asked anew with each change of it, and of the group.

import type { ApiFailure, WeftApi } from '../../api.ts';
import type { ReadonlySignal } from '@preact/signals';
import { useLive } from './use-live.ts';

export type Preview<Wanted, Answer> = {
  /** Of what is wanted now. */
  readonly preview: Answer | undefined;
  /** May be of what was wanted a moment before, so that nothing jumps while one types. */
  readonly shown: { readonly of: Wanted; readonly preview: Answer } | undefined;
  readonly problem: ApiFailure | undefined;
};

/** Nothing is asked while nothing is wanted. */
export function usePreview<Wanted, Answer>(
  wanted: ReadonlySignal<Wanted | undefined>,
  ask: (api: WeftApi, wanted: Wanted) => Promise<Answer>,
): Preview<Wanted, Answer> {
  const { value, failure } = useLive(
    async (api) => {
      const of = wanted.peek();
      return of === undefined ? undefined : { of, preview: await ask(api, of) };
    },
    (known) => [known.groups.value, wanted.value],
  );
  const shown = wanted.value === undefined ? undefined : value.value;
  return {
    shown,
    preview: shown?.of === wanted.value ? shown?.preview : undefined,
    problem: wanted.value === undefined ? undefined : failure.value,
  };
}
