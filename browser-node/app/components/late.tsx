// Views that most visits do not open: their code is fetched when one does.

import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ApiFailure } from '../../api.ts';
import { Button } from './button.tsx';
import { FailureNotice } from './notice.tsx';

const NOT_LOADED: ApiFailure = {
  code: 'view_not_loaded',
  message: 'This part of the page could not be loaded: check the connection, then try again.',
};

type Drawn<Props> = (props: Props) => ComponentChildren;

/** The component that stands for one in another file: fetched once, drawn at once from then on. */
export function createLate<Props extends object>(load: () => Promise<Drawn<Props>>): Drawn<Props> {
  let loaded: Drawn<Props> | undefined;
  return function Late(props) {
    const state = useSignal<'loading' | 'ready' | 'failed'>(loaded === undefined ? 'loading' : 'ready');
    const fetchIt = (): void => {
      state.value = 'loading';
      load().then(
        (component) => {
          loaded = component;
          state.value = 'ready';
        },
        () => (state.value = 'failed'),
      );
    };
    useEffect(() => {
      if (state.value === 'loading') fetchIt();
    }, []);
    if (state.value === 'ready' && loaded !== undefined) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    if (state.value === 'loading') return <p role="status">One moment…</p>;
    return (
      <FailureNotice failure={NOT_LOADED}>
        <Button onClick={fetchIt}>Try again</Button>
      </FailureNotice>
    );
  };
}
