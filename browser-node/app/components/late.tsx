// Views that most visits do not open: their code is fetched when one does.

import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ApiFailure } from '../../api.ts';
import { loadPart } from '../../../shared/core/late-part.ts';
import { Button } from './button.tsx';
import { FailureNotice } from './notice.tsx';

type Drawn<Props> = (props: Props) => ComponentChildren;

/** The component that stands for one in another file: fetched once, drawn at once from then on. */
export function createLate<Props extends object>(load: () => Promise<Drawn<Props>>): Drawn<Props> {
  let loaded: Drawn<Props> | undefined;
  return function Late(props) {
    const state = useSignal<'loading' | 'ready' | ApiFailure>(loaded === undefined ? 'loading' : 'ready');
    const fetchIt = async (): Promise<void> => {
      state.value = 'loading';
      const part = await loadPart(async () => {
        const [drawn, { adoptLateStyles }] = await Promise.all([load(), import('../late-styles.ts')]);
        adoptLateStyles();
        return drawn;
      });
      if (part.ok) loaded = part.value;
      state.value = part.ok ? 'ready' : { code: part.error.code, message: part.error.because };
    };
    useEffect(() => {
      if (state.value === 'loading') void fetchIt();
    }, []);
    if (state.value === 'ready' && loaded !== undefined) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    if (typeof state.value === 'string') return <p role="status">One moment…</p>;
    return (
      <FailureNotice failure={state.value}>
        <Button onClick={() => void fetchIt()}>Try again</Button>
      </FailureNotice>
    );
  };
}
