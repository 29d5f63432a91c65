// A question that comes before a call to the node: whether it is asked, and what a yes does.

import type { WeftApi } from '../../api.ts';
import { useSignal, type ReadonlySignal } from '@preact/signals';
import { useCall, type Call } from './use-call.ts';

export type Question = Pick<Call, 'busy' | 'failure'> & {
  readonly isAsked: ReadonlySignal<boolean>;
  ask(): void;
  /** The question goes away; a call that is under way goes on. */
  close(): void;
  /** What a yes does. Where it fails the question stays, with the failure; `then` runs when it is gone. */
  answer<T>(work: (api: WeftApi) => Promise<T>, then: (value: T) => void): void;
};

export function useQuestion(): Question {
  const asked = useSignal(false);
  const { busy, failure, run, clear } = useCall();
  const close = (): void => {
    asked.value = false;
    clear();
  };
  return {
    busy,
    failure,
    isAsked: asked,
    ask: () => (asked.value = true),
    close,
    answer: (work, then) =>
      run(work, (value) => {
        close();
        then(value);
      }),
  };
}
