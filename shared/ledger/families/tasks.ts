// Tasks: pending → assigned → in_progress → completed or failed; the reward is paid once, or goes back (LG79–LG82; C13–C17, E01–E03, F03).

import { amount, bool, link, optional, struct, uint } from '../../codec/schema.ts';
import { identitySchema, type Identity } from '../../crypto/ids.ts';
import { assetSchema, TOKEN_POLICY, type Asset } from '../account-records.ts';
import type { Code } from '../codes.ts';
import { lockEscrow, mintTo, returnEscrow } from '../funds.ts';
import { closeItem, openItem } from '../open-items.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, removeRecord, writeRecord } from '../state.ts';
import { TASK, TASK_FIELDS, type Task } from '../task-records.ts';
import { checkReceiver, payOut } from './accounts.ts';

/** A description of 4 KiB, and an id and a title of as many bytes as their characters may take. */
const TASK_BODY_BYTES_MAX = 8_192;
/** Whoever is paid, and whoever pays, knows within a year. */
const TASK_TERM_MAX: number = 366 * 24 * 60 * 60 * 1_000;

const { id, title, description, error } = TASK_FIELDS;

type Rewarding = { readonly asset: Asset; readonly amount: bigint };

/** `reward` in thousandths; `open`: any member may take it; `deadline`: ms, block time. */
export const taskCreate = defineOperation({
  kind: 'task.create',
  max: TASK_BODY_BYTES_MAX,
  schema: struct({
    id,
    title,
    description: optional(description),
    reward: optional(struct({ asset: assetSchema, amount: amount() })),
    open: bool(),
    deadline: uint(),
  }),
  apply(context, wanted) {
    const { draft, entry, blockTime } = context;
    if (wanted.deadline <= blockTime) return 'expired';
    if (wanted.deadline > blockTime + TASK_TERM_MAX) return 'policy_violation';
    if (readRecord(draft, TASK, wanted.id) !== undefined) return 'wrong_state';
    const full = openItem(draft, { identity: entry.identity, sort: 'tasks' });
    if (full !== undefined) return full;
    const reward = wanted.reward && provideReward(context, wanted.reward);
    if (typeof reward === 'string') return reward;
    writeTask(context, {
      ...{ id: wanted.id, title: wanted.title, creator: entry.identity, entry: entry.id },
      ...{ open: wanted.open, status: 'pending', deadline: wanted.deadline, ...(reward && { reward }) },
    });
    return undefined;
  },
});

/** To anyone by its creator or an admin, until it is started; to oneself by a member, while it is open and pending. */
export const taskAssign = defineOperation({
  kind: 'task.assign',
  schema: struct({ id, to: identitySchema }),
  apply(context, { id: wanted, to }) {
    const { draft, entry, blockTime } = context;
    const task = readRecord(draft, TASK, wanted);
    if (task === undefined) return 'wrong_state';
    if (!isCreatorOrAdmin(context, task)) {
      if (!task.open || to !== entry.identity) return 'not_permitted';
      if (task.status !== 'pending') return 'wrong_state';
    }
    if (task.status === 'in_progress') return 'wrong_state';
    if (task.deadline <= blockTime) return 'expired';
    const nobody = checkReceiver(draft, to);
    if (nobody !== undefined) return nobody;
    writeTask(context, { ...task, status: 'assigned', assignee: to });
    return undefined;
  },
});

/** By whom it is assigned to; `entry`: the one that made it, so that nobody begins another task of that id. From now on its creator cannot take it back before the deadline. */
export const taskStart = defineOperation({
  kind: 'task.start',
  schema: struct({ id, entry: link() }),
  apply(context, { id: wanted, entry: made }) {
    const task = readRecord(context.draft, TASK, wanted);
    if (task?.status !== 'assigned' || task.entry !== made) return 'wrong_state';
    if (task.assignee !== context.entry.identity) return 'not_permitted';
    if (task.deadline <= context.blockTime) return 'expired';
    writeTask(context, { ...task, status: 'in_progress' });
    return undefined;
  },
});

/** By its creator, or by an admin who did not do it; by whoever did it where nothing is paid. `result`: what came of it. */
export const taskComplete = defineOperation({
  kind: 'task.complete',
  schema: struct({ id, result: optional(link()) }),
  apply(context, { id: wanted }) {
    const { draft, entry } = context;
    const task = readRecord(draft, TASK, wanted);
    if (task?.status !== 'in_progress' || task.assignee === undefined) return 'wrong_state';
    const own = task.assignee === entry.identity && task.creator !== entry.identity;
    if (own ? task.reward !== undefined : !isCreatorOrAdmin(context, task)) return 'not_permitted';
    const wrong = payReward(context, { ...task, assignee: task.assignee });
    return wrong ?? closeTask(context, task);
  },
});

/**
 * By whoever does it; by its creator or an admin before it is started; by another admin after that; by anyone after the
 * deadline. What was escrowed goes back. `error`: why.
 */
export const taskFail = defineOperation({
  kind: 'task.fail',
  schema: struct({ id, error: optional(error) }),
  apply(context, { id: wanted }) {
    const { draft, entry, blockTime } = context;
    const task = readRecord(draft, TASK, wanted);
    if (task === undefined) return 'wrong_state';
    const { creator, reward } = task;
    if (task.assignee !== entry.identity && task.deadline > blockTime) {
      if (!isCreatorOrAdmin(context, task)) return 'not_permitted';
      if (task.status === 'in_progress' && creator === entry.identity) return 'too_early';
    }
    const wrong = reward?.from === 'escrow' ? returnEscrow(draft, { ...reward, to: creator }) : undefined;
    return wrong ?? closeTask(context, task);
  },
});

/** Locks what the creator has, or notes that it will be minted, where the policy says so and an admin asks for it. */
function provideReward(context: OperationContext, { asset, amount: sum }: Rewarding): Task['reward'] | Code {
  const { draft, entry, blockTime } = context;
  const policy = readRecord(draft, TOKEN_POLICY, 'tokens');
  if (policy === undefined) return 'no_tokens';
  if (sum === 0n) return 'amount_overflow';
  if (policy.taskRewards === 'mint') return isAdmin(context) ? { asset, amount: sum, from: 'mint' } : 'not_permitted';
  const locked = lockEscrow(draft, { asset, from: entry.identity, amount: sum, blockTime });
  return locked ?? { asset, amount: sum, from: 'escrow' };
}

function payReward({ draft }: OperationContext, task: Task & { readonly assignee: Identity }): Code | undefined {
  const { reward, assignee: to } = task;
  if (reward === undefined) return undefined;
  const { asset, amount: sum } = reward;
  if (reward.from === 'escrow') return payOut(draft, { asset, to, amount: sum });
  return checkReceiver(draft, to) ?? mintTo(draft, { asset, to, amount: sum });
}

function isCreatorOrAdmin(context: OperationContext, { creator }: Task): boolean {
  return creator === context.entry.identity || isAdmin(context);
}

function isAdmin({ draft, entry }: OperationContext): boolean {
  return readRecord(draft, MEMBER, entry.identity)?.role === 'admin';
}

function writeTask({ draft }: OperationContext, value: Task): void {
  writeRecord(draft, { type: TASK, id: value.id, value });
}

function closeTask({ draft }: OperationContext, task: Task): undefined {
  removeRecord(draft, TASK, task.id);
  closeItem(draft, { identity: task.creator, sort: 'tasks' });
}
