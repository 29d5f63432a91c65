// The one list of what a ledger entry can do; a new family adds its operations here.

import { accountTransfer } from './families/accounts.ts';
import { claimPublish, claimRetract } from './families/claims.ts';
import { creditClear, creditIssue, creditRedeem } from './families/credits.ts';
import { deviceRevoke } from './families/devices.ts';
import { escrowDecide, escrowOpen, escrowSettle, escrowVote } from './families/escrows.ts';
import { validatorEvidence } from './families/evidence.ts';
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
import { validatorReady, validatorSet } from './families/validators.ts';
import type { OperationRule } from './operation.ts';

export const OPERATIONS: readonly OperationRule[] = [
  memberJoin,
  deviceRevoke,
  identityPersonal,
  policyUpdate,
  handleRegister,
  handleRenew,
  sitePublish,
  siteUnpublish,
  memberAccept,
  memberRemove,
  memberRole,
  feedFork,
  relayAnnounce,
  relayRetire,
  keyRotate,
  keyGive,
  accountTransfer,
  tokenMint,
  tokenBurn,
  treasurySpend,
  accountSettle,
  claimPublish,
  claimRetract,
  taskCreate,
  taskAssign,
  taskStart,
  taskComplete,
  taskFail,
  validatorReady,
  validatorSet,
  validatorEvidence,
  offerCreate,
  offerWithdraw,
  purchaseMake,
  purchaseGrant,
  purchaseClose,
  accountRedeem,
  accountCancel,
  escrowOpen,
  escrowVote,
  escrowDecide,
  escrowSettle,
  creditIssue,
  creditRedeem,
  creditClear,
];
