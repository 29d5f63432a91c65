// A call to the node from a component: whether it runs, and how it failed.

import type { ApiFailure, WeftApi } from '../../api.ts';
import { useSignal, type ReadonlySignal } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { readFailure } from '../failure-text.ts';

export type Call = {
  readonly busy: ReadonlySignal<boolean>;
  readonly failure: ReadonlySignal<ApiFailure | undefined>;
  /** A second run is ignored while the first goes on. `then` runs after success only. */
  run<T>(work: (api: WeftApi) => Promise<T>, then?: (value: T) => void): void;
  clear(): void;
};

export function useCall(): Call {
  const { node } = useApp();
  const busy = useSignal(false);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  function run<T>(work: (api: WeftApi) => Promise<T>, then?: (value: T) => void): void {
    if (busy.value) return;
    busy.value = true;
    failure.value = undefined;
    node
      .then(work)
      .then(
        (value) => then?.(value),
        (error: unknown) => {
          failure.value = readFailure(error);
        },
      )
      .finally(() => {
        busy.value = false;
      });
  }
  return { busy, failure, run, clear: () => (failure.value = undefined) };
}
