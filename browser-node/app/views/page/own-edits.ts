// A text with one's own edits on top: those that the node was told of, and those it will be told of next.
//
// What the editor shows is base → sent → unsent. A change of somebody else is made below both, and what it means for the
// editor comes back. The node says what became of the sent edits; where two insertions met it may have ordered them
// otherwise than the editor guessed, and the difference comes back too.

import type { ChangeSet, Text } from '@codemirror/state';
import { differenceOf } from './text-patches.ts';

export type OwnEdits = {
  readonly base: Text;
  /** Over `base`; at most one call of the node at a time. */
  readonly sent: ChangeSet | null;
  /** Over what `sent` makes. */
  readonly unsent: ChangeSet | null;
};

/** `shown` is the change for the editor, over what it shows. */
export type Rebased = { readonly edits: OwnEdits; readonly shown: ChangeSet };

export function addEdit(edits: OwnEdits, change: ChangeSet): OwnEdits {
  return { ...edits, unsent: edits.unsent === null ? change : edits.unsent.compose(change) };
}

/** The unsent edits become the sent ones. */
export function sendEdits({ base, unsent }: OwnEdits): OwnEdits {
  return { base, sent: unsent, unsent: null };
}

/** Somebody else's change, over `base`. One's own insertions stay before those at the same place. */
export function takeForeign({ base, sent, unsent }: OwnEdits, change: ChangeSet): Rebased {
  const overSent = sent === null ? change : change.map(sent);
  const shown = unsent === null ? overSent : overSent.map(unsent);
  const edits = {
    base: change.apply(base),
    sent: sent === null ? null : sent.map(change, true),
    unsent: unsent === null ? null : unsent.map(overSent, true),
  };
  return { edits, shown };
}

/** What the node made of the sent edits, over `base`. */
export function confirmSent({ base, sent, unsent }: OwnEdits, made: ChangeSet): Rebased {
  const guessed = sent === null ? base : sent.apply(base);
  return takeForeign({ base: guessed, sent: null, unsent }, differenceOf(guessed, made.apply(base)));
}

/**
 * The text as the node has it, when the two may differ. `applied`: the sent edits are in it; null when nobody knows, then
 * the text itself tells.
 */
export function resetBase(edits: OwnEdits, text: Text, applied: boolean | null): Rebased {
  const { base, sent, unsent } = edits;
  const withSent = sent === null ? base : sent.apply(base);
  if (sent === null || (applied ?? withSent.eq(text))) {
    return takeForeign({ base: withSent, sent: null, unsent }, differenceOf(withSent, text));
  }
  const again = unsent === null ? sent : sent.compose(unsent);
  return takeForeign({ base, sent: null, unsent: again }, differenceOf(base, text));
}

export function textShown({ base, sent, unsent }: OwnEdits): Text {
  const withSent = sent === null ? base : sent.apply(base);
  return unsent === null ? withSent : unsent.apply(withSent);
}
