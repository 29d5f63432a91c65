// Whether the network answers: a small sign in the header, and a banner when it does not.

import type { NodeStatus } from '../../api.ts';
import { useApp } from '../app-state.ts';
import { countOf } from '../format.ts';
import { routeTo } from '../routes.ts';
import { Icon } from './icon.tsx';

const LABELS: Readonly<Record<NodeStatus['network'], string>> = {
  online: 'Online',
  connecting: 'Connecting',
  offline: 'Offline',
};

export function NetworkPill() {
  const { connection, known } = useApp();
  const network = known.status.value?.network;
  if (connection.value.state === 'failed') return null;
  return (
    <a
      class={`pill ${network ?? 'connecting'}`}
      href={routeTo('status')}
      aria-label={`Network: ${network ?? 'starting'}`}
    >
      <span class="dot" aria-hidden="true" />
      <span class="pill-text">{network === undefined ? 'Starting' : LABELS[network]}</span>
    </a>
  );
}

/** Always in the page, so that its text is announced when it comes. */
export function OfflineBanner() {
  const { known } = useApp();
  const status = known.status.value;
  const offline = status?.network === 'offline';
  return (
    <div class="banner" role="status">
      {offline && (
        <p>
          <Icon name="warn" />
          <span>
            <strong>No relay answers.</strong> Your edits are safe on this device;{' '}
            {status.pending > 0 ? `${countOf(status.pending, 'entry', 'entries')} will go out` : 'new ones go out'} as
            soon as one does.
          </span>
        </p>
      )}
    </div>
  );
}
