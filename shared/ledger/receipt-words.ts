// Receipts as people read them: who did what, how much of it, and what it cost (LG70). Loaded where histories are shown.

import type { Identity } from '../crypto/ids.ts';
import type { EntryBody } from '../feeds/entry.ts';
import type { Asset } from './account-records.ts';
import { becauseOf } from './codes.ts';
import { decodeCanonical } from '../codec/canonical.ts';
import type { Infer, Schema } from '../codec/schema.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { accountTransfer } from './families/accounts.ts';
import { claimPublish, claimRetract } from './families/claims.ts';
import { signedEscrowVote } from './escrow-vote.ts';
import { creditClear, creditIssue, creditRedeem } from './families/credits.ts';
import { deviceRevoke } from './families/devices.ts';
import { escrowDecide, escrowOpen, escrowSettle, escrowVote } from './families/escrows.ts';
import { feedFork } from './families/forks.ts';
import { handleRegister, handleRenew } from './families/handles.ts';
import { keyGive, keyRotate } from './families/keys.ts';
import { memberAccept, memberJoin, memberRemove, memberRole } from './families/membership.ts';
import { offerCreate, offerWithdraw } from './families/offers.ts';
import { accountCancel, accountRedeem } from './families/payments.ts';
import { identityPersonal } from './families/personal.ts';
import { policyUpdate } from './families/policy.ts';
import { purchaseClose, purchaseGrant, purchaseMake } from './families/purchases.ts';
import { relayAnnounce, relayRetire } from './families/relays.ts';
import { sitePublish, siteUnpublish } from './families/sites.ts';
import { accountSettle, tokenBurn, tokenMint, treasurySpend } from './families/supply.ts';
import { taskAssign, taskComplete, taskCreate, taskFail, taskStart } from './families/tasks.ts';
import { validatorEvidence } from './families/evidence.ts';
import { validatorReady, validatorSet } from './families/validators.ts';
import type { PaidFee } from './fees.ts';
import type { ItemId } from './item-fields.ts';
import { signedPayment } from './payment.ts';
import type { Receipt } from './receipts.ts';
import { formatTokens } from './token-text.ts';

type NameOf = (identity: Identity) => string;

/** What was asked for under an id; undefined where that is not known. */
export type AskedTask = Pick<Infer<typeof taskCreate.schema>, 'title' | 'reward'>;
type TaskOf = (id: string) => AskedTask | undefined;

/** Who reads: `self` is called you, and others what `nameOf` says, or by the end of their address; tasks by `taskOf`, or their id. */
export type Reader = { readonly self?: Identity; readonly nameOf?: NameOf; readonly taskOf?: TaskOf };

/** `by`: whose entry it is. */
type Scene = { readonly by: Identity | undefined; readonly taskOf: TaskOf };

/** Past, present and the rest: `sent`, `send`, `4.000 consumer tokens to Bernd`. */
type Words = readonly [did: string, wants: string, what: string];

type Teller = {
  readonly kind: string;
  readonly tell: (body: Uint8Array, nameOf: NameOf, scene: Scene) => Words | null;
};

/** Operations of one entry that are told one by one. */
const TOLD_MAX = 5;
const NAME_END = 6;
/** Characters. A program gives its tasks short names; the app draws 32 digits. */
const TASK_ID_SHOWN_MAX = 24;

function tells<T>(
  operation: { readonly kind: string; readonly schema: Schema<T> },
  tell: (body: T, nameOf: NameOf, scene: Scene) => Words,
): Teller {
  return {
    kind: operation.kind,
    tell(bytes, nameOf, scene) {
      const body = decodeCanonical(operation.schema, bytes, { max: ENTRY_BYTES_MAX });
      return body.ok ? tell(body.value, nameOf, scene) : null;
    },
  };
}

/** A new family adds its operations here. */
const TELLERS: readonly Teller[] = [
  tells(memberJoin, () => ['joined', 'join', 'the group']),
  tells(memberAccept, () => ['joined', 'join', 'the group by an invite']),
  tells(memberRemove, ({ identity }, nameOf) => ['took', 'take', `${nameOf(identity)} out of the group`]),
  tells(memberRole, ({ identity, role }, nameOf) => {
    return ['made', 'make', `${nameOf(identity)} ${role === 'admin' ? 'an admin' : 'a member'}`];
  }),
  tells(deviceRevoke, ({ device }) => ['revoked', 'revoke', `the device ${device.slice(0, NAME_END)}…`]),
  tells(identityPersonal, () => ['named', 'name', 'the place where their own devices meet']),
  tells(feedFork, () => ['proved', 'prove', 'that a device signed two entries with one number']),
  tells(keyRotate, ({ epoch }) => ['began', 'begin', `key epoch ${epoch}`]),
  tells(keyGive, ({ sealed }, nameOf) => {
    return ['gave', 'give', `the key of the group to ${sealed.map(({ identity }) => nameOf(identity)).join(', ')}`];
  }),
  tells(policyUpdate, (change) => ['changed', 'change', `the policy: ${tellFields(change)}`]),
  tells(handleRegister, ({ handle }) => ['registered', 'register', `@${handle}`]),
  tells(handleRenew, ({ handle }) => ['renewed', 'renew', `@${handle}`]),
  tells(sitePublish, ({ handle, name, seq }) => ['published', 'publish', `version ${seq} of ${siteOf(handle, name)}`]),
  tells(siteUnpublish, ({ handle, name }) => ['took', 'take', `${siteOf(handle, name)} off the net`]),
  tells(relayAnnounce, ({ url }) => ['announced', 'announce', `the relay ${url}`]),
  tells(relayRetire, ({ url }) => ['retired', 'retire', `the relay ${url}`]),
  tells(accountTransfer, ({ asset, to, amount, memo }, nameOf) => {
    return ['sent', 'send', `${tokens(asset, amount)} to ${nameOf(to)}${why(memo)}`];
  }),
  tells(tokenMint, ({ asset, to, amount, memo }, nameOf) => {
    return ['minted', 'mint', `${tokens(asset, amount)} for ${to ? nameOf(to) : 'the treasury'}${why(memo)}`];
  }),
  tells(tokenBurn, ({ asset, of, amount, memo }) => {
    return [
      'burned',
      'burn',
      `${tokens(asset, amount)} of ${of === 'own' ? 'what was theirs' : 'what the treasury held'}${why(memo)}`,
    ];
  }),
  tells(treasurySpend, ({ asset, to, amount, memo }, nameOf) => {
    return ['paid', 'pay', `${tokens(asset, amount)} from the treasury to ${nameOf(to)}${why(memo)}`];
  }),
  tells(validatorReady, ({ key }) => {
    return ['offered', 'offer', `to order the group with the key ${key.slice(0, NAME_END)}…`];
  }),
  tells(validatorSet, ({ add, remove, f }) => {
    return ['changed', 'change', `who orders the group: ${add.length} more, ${remove.length} fewer, ${f} may cheat`];
  }),
  tells(validatorEvidence, () => ['proved', 'prove', 'that a validator cheated']),
  tells(accountSettle, () => ['settled', 'settle', 'what was due']),
  tells(claimPublish, ({ key }) => ['had', 'have', `the claim ${key} rewarded`]),
  tells(claimRetract, ({ key, author }, nameOf) => {
    return ['retracted', 'retract', `the claim ${key}${author ? ` of ${nameOf(author)}` : ''}`];
  }),
  tells(taskCreate, ({ title, reward }) => {
    return ['asked', 'ask', `for “${title}” to be done${reward ? ` for ${tokens(reward.asset, reward.amount)}` : ''}`];
  }),
  tells(taskAssign, ({ id, to }, nameOf, scene) => {
    const task = nameTask(id, scene);
    return to === scene.by ? ['took', 'take', task] : ['gave', 'give', `${task} to ${nameOf(to)}`];
  }),
  tells(taskStart, ({ id }, _, scene) => ['began', 'begin', nameTask(id, scene)]),
  tells(taskComplete, ({ id }, _, scene) => {
    const reward = scene.taskOf(id)?.reward;
    const pay = reward ? `, for ${tokens(reward.asset, reward.amount)}` : '';
    return ['accepted', 'accept', `${nameTask(id, scene)} as done${pay}`];
  }),
  tells(taskFail, ({ id, error }, _, scene) => ['ended', 'end', `${nameTask(id, scene)} undone${why(error)}`]),
  tells(offerCreate, ({ title, asset, price }) => {
    return ['offered', 'offer', `“${title}” for ${price > 0n ? tokens(asset, price) : 'nothing'}`];
  }),
  tells(offerWithdraw, ({ offer }) => ['withdrew', 'withdraw', `the offer ${offer.slice(0, NAME_END)}…`]),
  tells(purchaseMake, ({ offer, price }) => {
    const paid = price > 0n ? ` and left ${formatTokens(price)} tokens for it in escrow` : '';
    return ['ordered', 'order', `what the offer ${offer.slice(0, NAME_END)}… has${paid}`];
  }),
  tells(purchaseGrant, ({ buyer, nonce }, nameOf) => ['gave', 'give', `${nameOf(buyer)} the key to purchase ${nonce}`]),
  tells(purchaseClose, ({ buyer, nonce }, nameOf) => ['closed', 'close', `purchase ${nonce} of ${nameOf(buyer)}`]),
  tells(accountRedeem, ({ payment: wire }, nameOf) => {
    const payment = signedPayment.decode(wire);
    if (payment === null) return ['redeemed', 'redeem', 'a payment'];
    const { asset, amount, from, to, memo } = payment;
    return ['redeemed', 'redeem', `${tokens(asset, amount)} that ${nameOf(from)} signed for ${nameOf(to)}${why(memo)}`];
  }),
  tells(accountCancel, ({ device, below }) => {
    return ['cancelled', 'cancel', `payments below ${below} that the device ${device.slice(0, NAME_END)}… signed`];
  }),
  tells(escrowOpen, ({ asset, amount, provider, arbiter, memo }, nameOf) => {
    return [
      'locked',
      'lock',
      `${tokens(asset, amount)} for ${nameOf(provider)}, with ${nameOf(arbiter)} as arbiter${why(memo)}`,
    ];
  }),
  tells(escrowVote, ({ escrow, toProvider }) => ['voted', 'vote', voteOf(escrow, toProvider)]),
  tells(escrowDecide, ({ votes }, nameOf) => {
    const told = votes.map((wire) => {
      const vote = signedEscrowVote.decode(wire);
      return vote === null ? 'one' : `${nameOf(vote.by)}’s ${voteOf(vote.escrow, vote.toProvider)}`;
    });
    return ['brought', 'bring', `signed votes: ${told.join(' and ')}`];
  }),
  tells(escrowSettle, ({ escrow }) => [
    'settled',
    'settle',
    `the escrow ${escrow.slice(0, NAME_END)}…, whose time is over`,
  ]),
  tells(creditIssue, ({ to, service, units }, nameOf) => {
    return ['gave', 'give', `${nameOf(to)} ${units} service credits for ${service}`];
  }),
  tells(creditRedeem, ({ provider, service, units }, nameOf) => {
    return ['used', 'use', `${units} service credits of ${nameOf(provider)} for ${service}`];
  }),
  tells(creditClear, ({ provider, holder, service }, nameOf) => {
    return ['cleared', 'clear', `what ${nameOf(holder)} had of ${nameOf(provider)} for ${service}`];
  }),
];

const tellersByKind = new Map(TELLERS.map((teller) => [teller.kind, teller]));

/** For anyone: who, what, how much, why not, and what it cost. */
export function describeEntry(
  given: { readonly receipt: Receipt; readonly body: EntryBody; readonly identity: Identity },
  { self, nameOf: known = shortName, taskOf = nobodyKnows }: Reader = {},
): string {
  const { receipt, body, identity } = given;
  const nameOf: NameOf = (one) => (one === self ? 'you' : known(one));
  const told =
    body.sort === 'document' ? [tellDocuments(receipt)] : tellOperations(body, nameOf, { by: identity, taskOf });
  const who = nameOf(identity);
  const paid = tellPaid(receipt.paid);
  if (receipt.code === 'ok')
    return `${identity === self ? 'You' : who} ${told.map(([did, , what]) => `${did} ${what}`).join(', ')}.${paid}`;
  const wanted = told.map(([, wants, what]) => `${wants} ${what}`).join(', ');
  return `Not done: ${who} wanted to ${wanted}. ${becauseOf(receipt.code)}${paid}`;
}

/** For the person whose entry is not ordered yet: what it will do. */
export function describePending(
  body: EntryBody,
  { self, nameOf: known = shortName, taskOf = nobodyKnows }: Reader = {},
): string {
  const nameOf: NameOf = (one) => (one === self ? 'you' : known(one));
  return `You ${tellOperations(body, nameOf, { by: self, taskOf })
    .map(([, wants, what]) => `${wants} ${what}`)
    .join(', ')}.`;
}

/** What of a policy will be another: `transferFeeBps 250, emission none`. */
export function describeChanges(before: object, after: object): string {
  const was = before as Readonly<Record<string, unknown>>;
  const will = after as Readonly<Record<string, unknown>>;
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const changed = names.filter((name) => tellValue(was[name] ?? null) !== tellValue(will[name] ?? null));
  return tellFields(Object.fromEntries(changed.map((name) => [name, will[name] ?? null])));
}

/** Whether an operation has words of its own. */
export function tellsKind(kind: string): boolean {
  return tellersByKind.has(kind);
}

function tellOperations({ ops }: EntryBody, nameOf: NameOf, scene: Scene): readonly Words[] {
  const told = ops.slice(0, TOLD_MAX).map(({ kind, body }): Words => {
    return (
      tellersByKind.get(kind)?.tell(body, nameOf, scene) ?? ['did', 'do', `something this app does not know (${kind})`]
    );
  });
  const more = ops.length - told.length;
  return more > 0 ? [...told, ['did', 'do', `${more} more things`]] : told;
}

function tellDocuments({ changes }: Receipt): Words {
  const names = changes.map((key) => key.replace(/^documents\//, ''));
  return ['edited', 'edit', names.length === 0 ? 'a document' : names.join(', ')];
}

function tellPaid(paid: PaidFee | undefined): string {
  const parts = (['consumer', 'industrial'] as const).flatMap((asset) => {
    const amount = paid?.[asset];
    return amount === undefined ? [] : [tokens(asset, amount)];
  });
  return parts.length === 0 ? '' : ` The fee was ${parts.join(' and ')}.`;
}

function tellFields(change: object): string {
  const fields = Object.entries(change).map(([name, value]) => `${name} ${tellValue(value)}`);
  return fields.length === 0 ? 'nothing' : fields.join(', ');
}

function tellValue(value: unknown): string {
  if (typeof value === 'bigint') return formatTokens(value);
  if (value === null) return 'none';
  if (typeof value === 'object') return `(${tellFields(value)})`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function tokens(asset: Asset, amount: bigint): string {
  return `${formatTokens(amount)} ${asset} ${amount === 1_000n ? 'token' : 'tokens'}`;
}

function why(memo: string | undefined): string {
  return memo === undefined || memo === '' ? '' : ` (“${memo}”)`;
}

function voteOf(escrow: ItemId, toProvider: bigint): string {
  return `that ${formatTokens(toProvider)} tokens of the escrow ${escrow.slice(0, NAME_END)}… go to the provider`;
}

/** By what is to be done, else by its id; of a long one its beginning, as of other ids. */
function nameTask(id: string, { taskOf }: Scene): string {
  const title = taskOf(id)?.title;
  if (title !== undefined) return `the task “${title}”`;
  return `the task ${id.length > TASK_ID_SHOWN_MAX ? `${id.slice(0, NAME_END)}…` : id}`;
}

function siteOf(handle: string, name: string): string {
  return name === '' ? `@${handle}.site` : `@${name}--${handle}.site`;
}

const nobodyKnows: TaskOf = () => undefined;

function shortName(identity: Identity): string {
  return `…${identity.slice(-NAME_END)}`;
}
