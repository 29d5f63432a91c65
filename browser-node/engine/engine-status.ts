// What `status()` and `peers.list()` report, from the node and from the browser.

import { formatCheckpoint, type Checkpoint } from '../../shared/light-client/checkpoint.ts';
import type { NodeStatus, PeerInfo } from '../api.ts';
import type { BlobStore } from '../../shared/platform/ports.ts';
import type { LightNode } from '../../shared/node/light-node.ts';
import { SERVICE_READ, SERVICE_SEED, SERVICE_VALIDATE } from '../../shared/session/relay-wire.ts';
import type { TrafficCount } from '../transport/traffic-count.ts';
import { isTabLock } from '../transport/port-messages.ts';

const SERVICES = [
  [SERVICE_READ, 'read'],
  [SERVICE_VALIDATE, 'validate'],
  [SERVICE_SEED, 'seed'],
] as const;

/** `leader` is for each page to say of itself. */
export async function describeStatus(given: {
  readonly node: LightNode;
  readonly blobs: BlobStore;
  readonly group: string;
  readonly device: 'native' | 'sealed';
  readonly skew: number;
  readonly joining: number | undefined;
  readonly checkpoint: Checkpoint | undefined;
}): Promise<NodeStatus> {
  const { node, blobs, group, device, skew, joining, checkpoint } = given;
  const { network, height, pending } = node.status();
  const [held, locks, estimate, persisted] = await Promise.all([
    blobs.stats(),
    navigator.locks.query(),
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ]);
  return {
    commons: group,
    height,
    network,
    leader: false,
    tabs: (locks.held ?? []).filter(({ name }) => isTabLock(name)).length,
    pending,
    storage: { ...held, quota: estimate.quota ?? 0, persisted },
    crypto: device === 'native' ? 'native' : 'pure',
    clockSkew: skew,
    ...(joining !== undefined && { joining }),
    ...(checkpoint && { checkpoint: formatCheckpoint(checkpoint) }),
  };
}

export function describePeers(node: LightNode, traffic: TrafficCount): PeerInfo[] {
  return node.room.peers
    .filter(({ id }) => id !== node.room.you)
    .map(({ id, services }) => ({
      id: String(id),
      services: SERVICES.filter(([bit]) => (services & bit) !== 0).map(([, name]) => name),
      via: 'relay',
      ...traffic.of(id),
    }));
}
