import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  GROUP,
  nextBlock,
  START,
  write,
  type Person,
} from '../../test/simulator/ledger-world.ts';
import { TOKENS } from '../../test/simulator/tokens.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import type { Operation } from '../feeds/entry.ts';
import { isCode } from './codes.ts';
import { signedEscrowVote } from './escrow-vote.ts';
import { OPERATIONS } from './families.ts';
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
import type { Handle, SiteName } from './handle-grammar.ts';
import { createInvite } from './invite.ts';
import type { ItemId } from './item-fields.ts';
import type { OperationRule } from './operation.ts';
import { signedPayment } from './payment.ts';
import { openDraft } from './state.ts';

const founder: Person = await createUnsignedPerson('founder');
const world = createWorld([founder], {
  join: 'invite',
  handles: [{ handle: 'docs', owner: founder.identity }],
  policy: { read: 'members', tokens: TOKENS },
});
const entry = await write(founder, [handleRegister.create({ handle: 'any' })]);
const version = { handle: 'docs' as Handle, name: '' as SiteName, seq: 1 };

const item = '00'.repeat(16) as ItemId;

const EXAMPLES: readonly Operation[] = [
  memberJoin.create({ block: cidOf('b'), nonce: new Uint8Array(8), sealingKey: new Uint8Array(32) }),
  deviceRevoke.create({ device: founder.signer.key }),
  identityPersonal.create({ seq: 1, sealed: new Uint8Array(600) }),
  policyUpdate.create({ join: 'open+puzzle', puzzleBits: 21 }),
  handleRegister.create({ handle: 'alice' }),
  handleRenew.create({ handle: 'docs' }),
  sitePublish.create({ ...version, manifest: cidOf('manifest') }),
  siteUnpublish.create(version),
  memberAccept.create({
    invite: await createInvite({
      ...{ signer: founder.signer, certificate: founder.writer.certificate, group: GROUP },
      ...{ role: 'member', uses: 1, expires: START, key: founder.signer.key },
    }),
    proof: new Uint8Array(64),
    sealingKey: new Uint8Array(32),
    name: 'A founder',
  }),
  memberRemove.create({ identity: founder.identity }),
  memberRole.create({ identity: founder.identity, role: 'member' }),
  feedFork.create({ first: entry.bytes, second: entry.bytes }),
  relayAnnounce.create({ url: 'wss://relay.example/relay', expires: START + 86_400_000 }),
  relayRetire.create({ url: 'wss://relay.example/relay' }),
  keyRotate.create({
    epoch: 1,
    commit: new Uint8Array(32),
    before: new Uint8Array(72),
    sealed: [{ identity: founder.identity, box: new Uint8Array(80) }],
  }),
  keyGive.create({ epoch: 1, sealed: [{ identity: founder.identity, box: new Uint8Array(80) }] }),
  accountTransfer.create({ asset: 'consumer', to: founder.identity, amount: 1n, memo: 'thanks' }),
  tokenMint.create({ asset: 'consumer', to: founder.identity, amount: 1n }),
  tokenBurn.create({ asset: 'industrial', of: 'treasury', amount: 1n }),
  treasurySpend.create({ asset: 'consumer', to: founder.identity, amount: 1n, memo: 'a prize' }),
  accountSettle.create({ identities: [founder.identity] }),
  claimPublish.create({ document: 'claims/2026-09', key: 'rain', cid: cidOf('claim') }),
  claimRetract.create({ document: 'claims/2026-09', key: 'rain', author: founder.identity }),
  taskCreate.create({
    ...{ id: 'translate', title: 'Translate', description: 'All of it', open: true, deadline: START + 86_400_000 },
    reward: { asset: 'industrial', amount: 1n },
  }),
  taskAssign.create({ id: 'translate', to: founder.identity }),
  taskStart.create({ id: 'translate', entry: cidOf('task') }),
  taskComplete.create({ id: 'translate', result: cidOf('translation') }),
  taskFail.create({ id: 'translate', error: 'No dictionary' }),
  validatorReady.create({ key: founder.signer.key, until: START, proof: new Uint8Array(64) }),
  validatorSet.create({ add: [], remove: [founder.signer.key], f: 0 }),
  validatorEvidence.create({
    validator: founder.signer.key,
    epoch: 0,
    view: 1,
    first: { kind: 'nullify', hash: null, sig: new Uint8Array(64) },
    second: { kind: 'finalize', hash: cidOf('a block'), sig: new Uint8Array(64) },
  }),
  offerCreate.create({
    ...{
      offer: item,
      title: 'A book',
      asset: 'consumer',
      price: 1n,
      package: cidOf('book'),
      expires: START + 86_400_000,
    },
    ...{ commit: new Uint8Array(32), text: 'To read.', tags: ['book'] },
  }),
  offerWithdraw.create({ offer: item }),
  purchaseMake.create({ offer: item, entry: cidOf('offer'), price: 1n, nonce: 1, sealingKey: new Uint8Array(32) }),
  purchaseGrant.create({ buyer: founder.identity, nonce: 1, box: new Uint8Array(80) }),
  purchaseClose.create({ buyer: founder.identity, nonce: 1 }),
  accountRedeem.create({
    payment: await signedPayment.create(
      {
        ...{ group: GROUP, from: founder.identity, to: founder.identity, asset: 'consumer', amount: 1n },
        ...{ nonce: 1, notAfter: START + 86_400_000, memo: 'bread', context: new Uint8Array(32) },
      },
      founder.signer,
    ),
  }),
  accountCancel.create({ device: founder.signer.key, below: 2 }),
  escrowOpen.create({
    ...{ escrow: item, provider: founder.identity, arbiter: founder.identity, asset: 'industrial', amount: 2n },
    ...{ deadline: START + 86_400_000, atDeadline: 1n, memo: 'a day of work' },
  }),
  escrowVote.create({ escrow: item, entry: cidOf('opened'), toProvider: 1n }),
  escrowDecide.create({
    votes: [
      await signedEscrowVote.create(
        { group: GROUP, by: founder.identity, escrow: item, entry: cidOf('opened'), toProvider: 1n },
        founder.signer,
      ),
    ],
  }),
  escrowSettle.create({ escrow: item }),
  creditIssue.create({ to: founder.identity, service: 'pages', units: 5n, until: START + 86_400_000 }),
  creditRedeem.create({ provider: founder.identity, service: 'pages', units: 1n, reference: cidOf('page') }),
  creditClear.create({ provider: founder.identity, holder: founder.identity, service: 'pages' }),
];

function run(rule: OperationRule, body: Uint8Array): string | undefined {
  const block = nextBlock(world);
  return rule.run({ ...block, draft: openDraft(block.draft), entry }, body);
}

test('every operation has one kind and one example here', () => {
  const kinds = OPERATIONS.map((rule) => rule.kind);
  expect(new Set(kinds).size).toBe(kinds.length);
  expect(EXAMPLES.map((example) => example.kind)).toEqual(kinds);
});

describe.each(OPERATIONS.map((rule, at) => [rule.kind, rule, EXAMPLES[at]!.body] as const))('%s', (_, rule, body) => {
  test('EN2: takes any bytes and answers with a code or nothing', () => {
    const patched = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 })).map(([at, patch]) => {
      const bytes = Uint8Array.from(body);
      bytes.set(patch.slice(0, bytes.length - (at % bytes.length)), at % bytes.length);
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(patched, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const code = run(rule, bytes);
        if (code !== undefined) expect(isCode(code)).toBe(true);
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('EN2: is void with bad_encoding or too_large when its body is not the one it defines', () => {
    expect(run(rule, new Uint8Array())).toBe('bad_encoding');
    expect(run(rule, body.slice(1))).toBe('bad_encoding');
    expect(run(rule, Uint8Array.from([...body, 0]))).toBe('bad_encoding');
    expect(run(rule, new Uint8Array(ENTRY_BYTES_MAX + 1))).toBe('too_large');
  });
});
