// Who this node talks to: what they offer, over what, and how much went each way.

import type { PeerInfo } from '../../../api.ts';
import { Fragment } from 'preact';
import { useApp } from '../../app-state.ts';
import { Empty, Page } from '../../components/page.tsx';
import { countOf, formatBytes, shorten } from '../../format.ts';

type Service = PeerInfo['services'][number];

const SERVICES: Readonly<Record<Service, { name: string; means: string }>> = {
  read: { name: 'reads', means: 'answers questions about the network' },
  validate: { name: 'validator', means: 'orders what is published' },
  seed: { name: 'seeds', means: 'hands out the files of sites' },
};

export function PeersView() {
  const { known } = useApp();
  const peers = known.peers.value;
  return (
    <Page
      title="Peers"
      lead="They are met through a relay, so none of them learns your address. Public files pass it in the open and are checked on arrival."
    >
      {peers === undefined && <p role="status">Looking around…</p>}
      {peers?.length === 0 && (
        <Empty title="Nobody here right now.">
          <p>Peers appear by themselves when they join. What you publish waits for them on this device.</p>
        </Empty>
      )}
      {peers !== undefined && peers.length > 0 && <PeerTable peers={peers} />}
    </Page>
  );
}

/** Explicit roles: as blocks on a phone, the elements would lose their own. */
function PeerTable({ peers }: { peers: readonly PeerInfo[] }) {
  return (
    <table class="table" role="table">
      <caption>{countOf(peers.length, 'peer')}</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">
            Peer
          </th>
          <th scope="col" role="columnheader">
            Offers
          </th>
          <th scope="col" role="columnheader">
            Over
          </th>
          <th scope="col" role="columnheader" class="number">
            From it
          </th>
          <th scope="col" role="columnheader" class="number">
            To it
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {peers.map((peer) => (
          <tr key={peer.id} role="row">
            <th scope="row" role="rowheader">
              <code>{shorten(peer.id)}</code>
            </th>
            <td role="cell">
              {peer.services.length === 0 && <span class="faint">visits</span>}
              {peer.services.map((service) => (
                <Fragment key={service}>
                  <span class="tag" title={SERVICES[service].means}>
                    {SERVICES[service].name}
                  </span>{' '}
                </Fragment>
              ))}
            </td>
            <td role="cell" class="over">
              {peer.via}
            </td>
            <td role="cell" class="number" data-label="from it">
              {formatBytes(peer.bytesFrom)}
            </td>
            <td role="cell" class="number" data-label="to it">
              {formatBytes(peer.bytesTo)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
