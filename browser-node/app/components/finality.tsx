// Whether something is final, in the same sign everywhere: seen and on its way, ordered for good, or never to be.

import { groupDigits } from '../format.ts';
import { Icon, type IconName } from './icon.tsx';

type FinalityState = 'pending' | 'final' | 'dropped';

const STATES: Readonly<Record<FinalityState, { icon: IconName; tone: string; means: string }>> = {
  pending: { icon: 'pending', tone: 'warn', means: 'Shown at once, and final when it is ordered.' },
  final: { icon: 'check', tone: 'good', means: 'Ordered and certified: nobody can take it back.' },
  dropped: { icon: 'warn', tone: 'bad', means: 'It will never be ordered.' },
};

/** `count`: how many are pending; `because` says more than the sign does, such as for whom it waits. */
export function Finality(props: { state: FinalityState; count?: number; because?: string | undefined }) {
  const { state, count, because } = props;
  const { icon, tone, means } = STATES[state];
  return (
    <span class={`tag ${tone}`} title={because ?? means}>
      <Icon name={icon} /> {count === undefined ? state : `${groupDigits(count)} ${state}`}
      {because !== undefined && <span class="unseen"> ({because})</span>}
    </span>
  );
}

/** Of a list of which a part may be on its way. */
export function PendingOrFinal({ pending, because }: { pending: number; because?: string | undefined }) {
  return pending > 0 ? <Finality state="pending" count={pending} because={because} /> : <Finality state="final" />;
}
