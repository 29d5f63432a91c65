// What a view reads from the node and reads again whenever the node says that something changed.

import type { ApiFailure, WeftApi } from '../../api.ts';
import { useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../app-state.ts';
import { readFailure } from '../failure-text.ts';

export type Live<T> = {
  readonly value: ReadonlySignal<T | undefined>;
  /** Of the last reading; what was read before stays. */
  readonly failure: ReadonlySignal<ApiFailure | undefined>;
  reload(): void;
};

/** One reading at a time; a change during one brings another. `follow` is read, so that its changes count. */
export function useLive<T>(read: (api: WeftApi) => Promise<T>, follow: (known: Known) => unknown): Live<T> {
  const { node, known } = useApp();
  const value = useSignal<T | undefined>(undefined);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const reading = useRef({ now: false, again: false, ended: false });
  const reload = (): void => {
    const state = reading.current;
    if (state.now) {
      state.again = true;
      return;
    }
    state.now = true;
    node
      .then(read)
      .then(
        (found) => {
          value.value = found;
          failure.value = undefined;
        },
        (error: unknown) => (failure.value = readFailure(error)),
      )
      .finally(() => {
        state.now = false;
        if (state.again && !state.ended) {
          state.again = false;
          reload();
        }
      });
  };
  useSignalEffect(() => {
    follow(known);
    reload();
  });
  useEffect(() => () => void (reading.current.ended = true), []);
  return { value, failure, reload };
}

type Known = ReturnType<typeof useApp>['known'];
