// From a step in a deal, as the API has it, to the operation that the ledger takes.

import type { DealAmount, DealStep } from '../deals-api.ts';
import type { Millis } from '../../shared/core/brand.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import type { ItemId } from '../../shared/ledger/item-fields.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { Random } from '../../shared/platform/ports.ts';
import { toHex } from '../../shared/codec/base.ts';
import { parseIdentity } from '../../shared/crypto/ids.ts';
import type { Asset } from '../../shared/ledger/account-records.ts';
import { ESCROW } from '../../shared/ledger/escrow-records.ts';
import { escrowSettle, escrowVote } from '../../shared/ledger/families/escrows.ts';
import { offerWithdraw } from '../../shared/ledger/families/offers.ts';
import { purchaseClose, purchaseMake } from '../../shared/ledger/families/purchases.ts';
import { taskAssign, taskComplete, taskCreate, taskFail, taskStart } from '../../shared/ledger/families/tasks.ts';
import { OFFER } from '../../shared/ledger/offer-records.ts';
import { OPEN_ITEMS } from '../../shared/ledger/open-items.ts';
import type { RecordType } from '../../shared/ledger/records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { TASK } from '../../shared/ledger/task-records.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { readAmount, readAsset } from './token-fields.ts';

const TITLE_CHARACTERS_MAX = 256;
const TASK_ID_BYTES = 16;
/** 16 bytes as lowercase hex. */
const ITEM_ID = /^[0-9a-f]{32}$/;

export type DealWriter = {
  readonly node: GroupNode;
  readonly self: Identity;
  /** X25519: what is bought is sealed to it. */
  readonly sealingKey: Uint8Array;
  readonly random: Random;
  readonly now: Millis;
};

export function planStep(writer: DealWriter, step: DealStep): Operation {
  const { node, self } = writer;
  switch (step.do) {
    case 'createTask':
      return createTask(writer, step);
    case 'takeTask':
      return taskAssign.create({ id: step.id, to: self });
    case 'assignTask':
      return taskAssign.create({ id: step.id, to: orThrow(parseIdentity(step.to)) });
    case 'startTask':
      return taskStart.create({ id: step.id, entry: find(node, TASK, step.id).entry });
    case 'completeTask':
      return taskComplete.create({ id: step.id });
    case 'failTask':
      return taskFail.create({ id: step.id });
    case 'buy':
      return buy(writer, readItem(step.offer));
    case 'withdrawOffer':
      return offerWithdraw.create({ offer: readItem(step.offer) });
    case 'closePurchase':
      return purchaseClose.create({ buyer: orThrow(parseIdentity(step.buyer)), nonce: step.nonce });
    case 'voteEscrow': {
      const escrow = readItem(step.escrow);
      const { entry } = find(node, ESCROW, escrow);
      // Nothing for the provider is a vote as well.
      const toProvider = step.toProvider === '0' ? 0n : readAmount(step.toProvider);
      return escrowVote.create({ escrow, entry, toProvider });
    }
    case 'settleEscrow':
      return escrowSettle.create({ escrow: readItem(step.escrow) });
    default:
      return reject('bad_encoding', 'There is no such step in a deal: look at browser-node/deals-api.ts.');
  }
}

function createTask({ random }: DealWriter, step: Extract<DealStep, { do: 'createTask' }>): Operation {
  const title = step.title.trim();
  if (title === '' || Array.from(title).length > TITLE_CHARACTERS_MAX || !title.isWellFormed()) {
    return reject('name_invalid', `A task has a title of 1 to ${TITLE_CHARACTERS_MAX} characters: choose another.`);
  }
  const { open, deadline } = step;
  const reward = step.reward && { reward: readReward(step.reward) };
  return taskCreate.create({ id: toHex(random.bytes(TASK_ID_BYTES)), title, open, deadline, ...reward });
}

function buy({ node, self, sealingKey, now }: DealWriter, offer: ItemId): Operation {
  const { entry, price } = find(node, OFFER, offer);
  const { draft } = node.chain.workingSet;
  const before = readRecord(draft, OPEN_ITEMS, self)?.purchased ?? 0;
  return purchaseMake.create({
    offer,
    entry,
    price,
    nonce: Math.max(now, before + 1),
    sealingKey: Uint8Array.from(sealingKey),
  });
}

function find<Id, T>(node: GroupNode, type: RecordType<Id, T>, id: Id): T {
  const record = readRecord(node.chain.state, type, id);
  return record ?? reject('not_found', 'This is not there any more: somebody was faster, or it is done.');
}

function readReward({ asset, amount }: DealAmount): { readonly asset: Asset; readonly amount: bigint } {
  return { asset: readAsset(asset), amount: readAmount(amount) };
}

function readItem(text: string): ItemId {
  return ITEM_ID.test(text) ? (text as ItemId) : reject('bad_encoding', 'The id of an item is 32 hex characters.');
}
