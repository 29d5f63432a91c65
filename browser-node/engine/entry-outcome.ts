// What an own entry would come to before it is written, and writing it when it would be done.

import type { EntryOutcome } from '../order-api.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import type { Balances } from '../../shared/node/group-money.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { becauseOf } from '../../shared/ledger/codes.ts';
import { reject } from '../transport/failure-transfer.ts';

/** Balances of the writer, with all that is pending here. */
export type Outcome = EntryOutcome & { readonly before: Balances; readonly after: Balances };

export function previewOperations(node: GroupNode, operations: readonly Operation[]): Outcome {
  const { admission, before, after } = node.money.previewEntry(operations);
  const paid = admission.outcome === 'refuse' ? undefined : admission.paid;
  const done = admission.outcome === 'apply';
  return {
    code: done ? 'ok' : admission.code,
    because: done ? '' : becauseOf(admission.code),
    fee: { consumer: `${paid?.consumer ?? 0n}`, industrial: `${paid?.industrial ?? 0n}` },
    before,
    after,
  };
}

/** What is void pays its fee all the same, so it is not written: the sentence says what to do. */
export async function submitOperations(node: GroupNode, operations: readonly Operation[]): Promise<{ id: string }> {
  if (node.refusal) return reject(node.refusal.code, node.refusal.because);
  const { code, because } = previewOperations(node, operations);
  if (code !== 'ok') return reject(code, because);
  return { id: await node.submit(operations) };
}
