// Who this node talks to: who each is, how it is reached, how much went each way, and what came from it.

import type { PeerInfo } from '../../../api.ts';
import type { ComponentChildren } from 'preact';
import { Fragment } from 'preact';
import { useApp } from '../../app-state.ts';
import { Empty, Page } from '../../components/page.tsx';
import { countOf, formatBytes, shorten } from '../../format.ts';
import { nameMember } from '../../group-words.ts';
import { routeTo } from '../../routes.ts';
import { DirectChoice } from './direct-choice.tsx';

type Service = PeerInfo['services'][number];

const SERVICES: Readonly<Record<Service, { name: string; means: string }>> = {
  read: { name: 'reads', means: 'answers questions about the network' },
  validate: { name: 'validator', means: 'orders what is published' },
  seed: { name: 'seeds', means: 'hands out the files of sites' },
};

const WAYS: Readonly<Record<PeerInfo['via'], { name: string; means: string }>> = {
  relay: { name: 'relay', means: 'through a relay, which cannot read what members say to each other' },
  direct: { name: 'direct', means: 'from browser to browser, without anything between' },
  port: { name: 'other tab', means: 'in another tab of this browser' },
};

const COLUMNS = ['Peer', 'Offers', 'Over', 'From it', 'To it'] as const;

export function PeersView() {
  const { known } = useApp();
  const peers = known.peers.value;
  return (
    <Page
      title="Peers"
      lead="Strangers are met through a relay, so none of them learns your address. Members of your groups are reached directly where both browsers can and both sides want it."
    >
      {peers === undefined && <p role="status">Looking around…</p>}
      {peers?.length === 0 && (
        <Empty title="Nobody here right now.">
          <p>Peers appear by themselves when they join. What you publish waits for them on this device.</p>
        </Empty>
      )}
      {peers !== undefined && peers.length > 0 && <PeerTable peers={peers} />}
      <DirectChoice />
    </Page>
  );
}

/** Explicit roles: as blocks on a phone, the elements would lose their own. */
function PeerTable({ peers }: { peers: readonly PeerInfo[] }) {
  return (
    <table class="table" role="table">
      <caption>{summarise(peers)}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {COLUMNS.map((name, at) => (
            <th key={name} scope="col" role="columnheader" class={at > 2 ? 'number' : undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {peers.map((peer) => (
          <PeerRow key={peer.id} peer={peer} />
        ))}
      </tbody>
    </table>
  );
}

function PeerRow({ peer }: { peer: PeerInfo }) {
  const { services, member } = peer;
  const wallet = useApp().known.wallet.value;
  const you = wallet !== undefined && wallet.state !== 'none' && wallet.address === member?.identity;
  const gave = describeGifts(peer);
  return (
    <tr role="row">
      <th scope="row" role="rowheader">
        {member === undefined ? (
          <strong>{describeStranger(services)}</strong>
        ) : (
          <strong>{nameMember({ ...member, you })}</strong>
        )}
        {member === undefined && (
          <p class="faint">
            number <code>{shorten(peer.id)}</code> in the public room
          </p>
        )}
        {member !== undefined && (
          <p class="faint">
            {you || member.groups.length === 0 ? 'a device of yours' : 'member'}
            {member.groups.length > 0 && (
              <>
                {' '}
                {you ? 'in' : 'of'} {listGroups(member.groups)}
              </>
            )}
          </p>
        )}
        {gave !== '' && <p class="faint">gave {gave}</p>}
      </th>
      <td role="cell">
        {services.length === 0 && <span class="faint">{member === undefined ? 'visits' : 'writes along'}</span>}
        {services.map((service) => (
          <Fragment key={service}>
            <span class="tag" title={SERVICES[service].means}>
              {SERVICES[service].name}
            </span>{' '}
          </Fragment>
        ))}
      </td>
      <td role="cell" data-label="over">
        <span title={WAYS[peer.via].means}>{WAYS[peer.via].name}</span>
      </td>
      <td role="cell" class="number" data-label="from it">
        {formatBytes(peer.bytesFrom)}
      </td>
      <td role="cell" class="number" data-label="to it">
        {formatBytes(peer.bytesTo)}
      </td>
    </tr>
  );
}

/** Nobody in the commons' room says who they are: what they offer tells more than their number there. */
function describeStranger(services: readonly Service[]): string {
  if (services.includes('validate')) return 'A validator';
  return services.includes('seed') ? 'Somebody who seeds' : 'A visitor';
}

function listGroups(groups: NonNullable<PeerInfo['member']>['groups']): ComponentChildren {
  return groups.map(({ groupId, name }, at) => (
    <Fragment key={groupId}>
      {at > 0 && ', '}
      <a href={routeTo({ view: 'group', groupId })}>{name}</a>
    </Fragment>
  ));
}

/** `3 blocks, 40 entries`: only what came, and passed the check. */
function describeGifts({ gave }: PeerInfo): string {
  if (gave === undefined) return '';
  const parts = [
    gave.blocks > 0 && countOf(gave.blocks, 'block'),
    gave.entries > 0 && countOf(gave.entries, 'entry', 'entries'),
    gave.blobs > 0 && countOf(gave.blobs, 'piece of a site', 'pieces of sites'),
  ];
  return parts.filter((part) => part !== false).join(', ');
}

/** `6 peers: 2 direct, 3 by relay, 1 other tab`. */
function summarise(peers: readonly PeerInfo[]): string {
  const counts = (['direct', 'relay', 'port'] as const).flatMap((via) => {
    const count = peers.filter((peer) => peer.via === via).length;
    if (count === 0) return [];
    return via === 'port' ? countOf(count, 'other tab') : `${count} ${via === 'relay' ? 'by relay' : 'direct'}`;
  });
  return `${countOf(peers.length, 'peer')}: ${counts.join(', ')}`;
}
