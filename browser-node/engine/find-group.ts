// The group that a call is about: open here, and one that a person founded or joined.

import type { Identity } from '../../shared/crypto/ids.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { Groups } from '../../shared/node/groups.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { requireIdentity, type EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';

export type FoundGroup = { readonly groups: Groups; readonly node: GroupNode; readonly self: Identity };

export async function findGroup(
  { context, host }: { readonly context: EngineContext; readonly host: GroupHost },
  groupId: string,
): Promise<FoundGroup> {
  const self = requireIdentity(context);
  const { groups } = await host.open();
  const node = orThrow(groups.get(groupId));
  // Whoever was let in there would have the keys of every group.
  if (node === groups.personal?.node) return reject('not_permitted', 'This group is for your own devices alone.');
  return { groups, node, self };
}
