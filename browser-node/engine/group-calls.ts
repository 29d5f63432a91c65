// The calls on groups: found, invite, join, see who is in it, and change that.

import type { GroupsApi, GroupSummary, GroupTokensApi } from '../group-api.ts';
import type { GroupDealsApi } from '../deals-api.ts';
import type { GroupOrderApi } from '../order-api.ts';
import type { GroupPolicyApi } from '../policy-api.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { parseIdentity } from '../../shared/crypto/ids.ts';
import { decodeInvite } from '../../shared/ledger/invite.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { formatOffer, parseOffer } from '../../shared/node/founder-offer.ts';
import { parseInviteLink, type InviteLink } from '../../shared/node/invite-link.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { requireIdentity, type EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { findGroup, type FoundGroup } from './find-group.ts';
import { describeDetails, describeGroup, describeMembers } from './group-views.ts';

const WEEK = 7 * 86_400_000;
const NAME_CHARS_MAX = 64;
const INVITE_USES: number = 1;

export type GroupCallsOptions = {
  readonly context: EngineContext;
  readonly host: GroupHost;
  /** The app's own address, that invites begin with. */
  readonly appUrl: string;
};

/** Those that every visit of a group makes; the others come later. */
export type CoreGroupCalls = Omit<
  GroupsApi,
  keyof GroupTokensApi | keyof GroupOrderApi | keyof GroupPolicyApi | keyof GroupDealsApi
>;

export function createGroupCalls({ context, host, appUrl }: GroupCallsOptions): CoreGroupCalls {
  const find = (groupId: string): Promise<FoundGroup> => findGroup({ context, host }, groupId);
  return {
    async create({ name, read = 'members', others = [] }) {
      requireIdentity(context);
      const trimmed = name.trim();
      if (trimmed === '' || trimmed.length > NAME_CHARS_MAX) {
        return reject('name_invalid', `A group has a name of 1 to ${NAME_CHARS_MAX} characters: choose another.`);
      }
      const cofounders = others.map((offer) => orThrow(parseOffer(offer)));
      orThrow(await context.checkTime());
      const { groups } = await host.open();
      const node = await groups.create({ name: trimmed, read, others: cofounders });
      return { groupId: node.group };
    },
    async offer() {
      requireIdentity(context);
      const { groups } = await host.open();
      return formatOffer(await groups.offer());
    },
    async invite(groupId, { role = 'member', uses = INVITE_USES, expiresIn = WEEK } = {}) {
      const { groups, node, self } = await find(groupId);
      if (node.roleOf(self) !== 'admin')
        return reject('not_permitted', 'Only admins of a group invite: ask one of them.');
      // Nobody would be let in by it.
      if (node.refusal) return reject(node.refusal.code, node.refusal.because);
      const expires = context.clock.now() + expiresIn;
      return `${appUrl}#${await groups.invite(node, { role, uses, expires })}`;
    },
    async previewInvite(url) {
      const link = readLink(url);
      const { role, expires } = orThrow(decodeInvite(link.invite));
      const { group, genesis } = link.founding;
      return { groupId: group, name: genesis.name, role, expires, joined: await isMember({ context, host, link }) };
    },
    async join(url, { name = '' } = {}) {
      requireIdentity(context);
      const link = readLink(url);
      const { expires } = orThrow(decodeInvite(link.invite));
      if (!(await isMember({ context, host, link }))) {
        if (expires < context.clock.now()) {
          return reject('invite_expired', 'This invite has expired: ask whoever sent it for a new one.');
        }
        orThrow(await context.checkTime());
      }
      const { groups } = await host.open();
      const node = await groups.join(link, name.trim().slice(0, NAME_CHARS_MAX));
      return { groupId: node.group };
    },
    list: () => listGroups(context, host),
    async get(groupId) {
      const { node, self } = await find(groupId);
      return describeDetails(node, self);
    },
    async members(groupId) {
      const { node, self } = await find(groupId);
      return describeMembers(node, self);
    },
    async setRole(groupId, { identity, role }) {
      const { node } = await find(groupId);
      await settle(node, memberRole.create({ identity: orThrow(parseIdentity(identity)), role }));
    },
    async remove(groupId, identity) {
      const { node } = await find(groupId);
      await settle(node, memberRemove.create({ identity: orThrow(parseIdentity(identity)) }));
    },
  };
}

/** Those that are open: none while there is no wallet, or it is locked. */
export async function listGroups(context: EngineContext, host: GroupHost): Promise<GroupSummary[]> {
  const self = context.wallet.about?.identity;
  const nodes = await host.ordinary();
  return self ? nodes.map((node) => describeGroup(node, self)) : [];
}

async function isMember(given: { context: EngineContext; host: GroupHost; link: InviteLink }): Promise<boolean> {
  const { context, host, link } = given;
  const self = context.wallet.about?.identity;
  const node = (await host.nodes()).find(({ group }) => group === link.founding.group);
  const role = self && node ? node.roleOf(self) : null;
  return role === 'member' || role === 'admin';
}

/** Ends when it is final, or with the reason why it will not be. */
async function settle(node: GroupNode, operation: Operation): Promise<void> {
  const { code, because } = await node.outbox.whenSettled(await node.submit([operation]));
  if (code !== 'ok') return reject(code, because);
}

function readLink(url: string): InviteLink {
  return orThrow(parseInviteLink(url));
}
