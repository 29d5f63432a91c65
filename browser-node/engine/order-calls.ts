// The calls on who orders a group: who that is and how it goes, offering this device, and changing who does.

import type { GroupOrderApi, GroupOrder, MisbehaviourReport, NamedMember, OrderChange } from '../order-api.ts';
import type { Identity, PublicKey } from '../../shared/crypto/ids.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { Misbehaviour } from '../../shared/node/misbehaviour.ts';
import { quorumOf } from '../../shared/chain/validator-set.ts';
import { readRecoverers } from '../../shared/node/recoveries.ts';
import { parsePublicKey } from '../../shared/crypto/ids.ts';
import { memberBehind } from '../../shared/ledger/validator-records.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import type { EngineContext } from './engine-context.ts';
import { previewOperations, submitOperations } from './entry-outcome.ts';
import { findGroup } from './find-group.ts';
import type { GroupHost } from './group-host.ts';
import { nameOf } from './group-views.ts';

const BLOCKS_TOLD = 10;

export function createOrderCalls(given: { readonly context: EngineContext; readonly host: GroupHost }): GroupOrderApi {
  const find = (groupId: string) => findGroup(given, groupId);
  return {
    async order(groupId) {
      const { node, self } = await find(groupId);
      return await describeOrder(node, self);
    },
    async offerToOrder(groupId) {
      const { node } = await find(groupId);
      if (node.refusal) return reject(node.refusal.code, node.refusal.because);
      return { key: await node.offerToOrder() };
    },
    async previewOrder(groupId, change) {
      const { node } = await find(groupId);
      const { operation, set } = node.order.change(readChange(change));
      const { code, because, fee } = previewOperations(node, [operation]);
      const from = node.order.nextSeal();
      return { code, because, fee, devices: set.keys.length, quorum: quorumOf(set), tolerated: set.f, from };
    },
    async changeOrder(groupId, change) {
      const { node } = await find(groupId);
      return await submitOperations(node, [node.order.change(readChange(change)).operation]);
    },
    async recover(groupId) {
      const { groups, node } = await find(groupId);
      // A conflict is no reason to go on: it is one to ask people.
      if (node.failure) return reject(node.failure.code, node.failure.because);
      const secrets = await given.context.wallet.secrets();
      if (secrets === null) return reject('locked', 'The wallet is locked: unlock it, then try again.');
      orThrow(await groups.recover(node, secrets.signer));
    },
  };
}

async function describeOrder(node: GroupNode, self: Identity): Promise<GroupOrder> {
  const { order, chain } = node;
  const name = (identity: Identity | null): NamedMember | null =>
    identity && { identity, name: nameOf(node, identity), you: identity === self };
  const devices = order.devices();
  const behind = (key: PublicKey): NamedMember | null =>
    name(devices.find((device) => device.key === key)?.identity ?? memberBehind(chain.state, key) ?? null);
  const planned = order.planned();
  const [blocks, reports, recoveries] = await Promise.all([
    order.blocks(BLOCKS_TOLD),
    order.misbehaviour(),
    order.recoveries(),
  ]);
  const recovery = readRecoverers(node.founding, chain);
  return {
    orderers: devices.map(({ key, identity, you, online, since, height }) => {
      return { key, member: name(identity), here: you, online, since, height };
    }),
    quorum: quorumOf(chain.validators),
    tolerated: chain.validators.f,
    offers: order.offers().map(({ key, identity, you, until }) => ({ key, member: name(identity)!, here: you, until })),
    planned: planned && {
      orderers: planned.keys.map((key) => ({ key, member: behind(key) })),
      quorum: quorumOf(planned),
      from: planned.from,
    },
    finality: order.finality(),
    blocks: blocks.map(({ height, time, entries, proposer }) => ({ height, time, entries, by: behind(proposer) })),
    recoveries: recoveries.map(({ height, time }) => ({ height, time })),
    recovery: recovery && { ...recovery, identities: recovery.identities.map((identity) => name(identity)!) },
    reports: reports.map((report) => describeReport(report, name(report.identity))),
  };
}

function describeReport(report: Misbehaviour, member: NamedMember | null): MisbehaviourReport {
  if (report.kind === 'feed') return { kind: 'feed', member, device: report.device, seq: report.seq };
  const { key, height, evidence } = report;
  const votes = evidence && { view: evidence.view, first: evidence.first.kind, second: evidence.second.kind };
  return { kind: 'votes', member, key, height, votes };
}

function readChange({ add, remove }: OrderChange): { add: PublicKey[]; remove: PublicKey[] } {
  const read = (key: string): PublicKey => orThrow(parsePublicKey(key));
  return { add: add.map(read), remove: remove.map(read) };
}
