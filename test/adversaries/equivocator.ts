// The equivocator: two blocks in each of its views, one for either half, and votes for everything, also against itself.

import { createBlock } from '../../shared/chain/block.ts';
import type { Block, Tip } from '../../shared/chain/block.ts';
import type { SimplexMessage } from '../../shared/chain/simplex-state.ts';
import type { VerifiedVote } from '../../shared/chain/vote.ts';
import type { Adversary, Stage } from './adversary.ts';

export function createEquivocator(stage: Stage): Adversary {
  const { dice } = stage;
  const variants = new Map<string, { block: Block; vote: VerifiedVote }>();

  function variantOf(block: Block): { block: Block; vote: VerifiedVote } {
    const { header, id } = block;
    let variant = variants.get(id);
    if (variant === undefined) {
      // Same parent and view, another time: valid in itself.
      const other = createBlock({ ...header, time: header.time + dice.between(1, 50) });
      const { epoch, view } = header;
      variant = { block: other, vote: stage.sign({ kind: 'notarize', epoch, view, hash: other.id }) };
      variants.set(id, variant);
    }
    return variant;
  }

  function contradict(to: number, vote: VerifiedVote, finalView: number): void {
    const { epoch, view, kind } = vote;
    const against = kind === 'nullify' ? tipIn(stage, view) : null;
    if (kind === 'finalize') {
      stage.send(to, { kind: 'vote', vote: stage.sign({ kind: 'nullify', epoch, view, hash: null }) }, finalView);
    } else if (against !== null) {
      for (const word of ['notarize', 'finalize'] as const) {
        stage.send(to, { kind: 'vote', vote: stage.sign({ kind: word, epoch, view, hash: against.id }) }, finalView);
      }
    }
  }

  return {
    send(to: number, message: SimplexMessage, finalView: number): boolean {
      if (message.kind === 'propose') {
        const variant = variantOf(message.block);
        const isOther = to % 2 === 0;
        stage.send(to, isOther ? { kind: 'propose', ...variant } : message, finalView);
        if (dice.happens(0.3)) stage.send(to, isOther ? message : { kind: 'propose', ...variant }, finalView);
        for (const vote of [message.vote, variant.vote]) {
          if (dice.happens(0.5)) stage.send(to, { kind: 'vote', vote: finalizeOf(stage, vote) }, finalView);
        }
        return true;
      }
      if (message.kind !== 'vote') return false;
      if (dice.happens(0.5)) contradict(to, message.vote, finalView);
      return dice.happens(0.3);
    },
  };
}

/** A block of the view that it knows, to vote for beside its nullify. */
function tipIn(stage: Stage, view: number): Tip | Block | null {
  for (const { block } of stage.machine().blocks.values()) if (block.header.view === view) return block;
  return null;
}

function finalizeOf(stage: Stage, { epoch, view, hash }: VerifiedVote): VerifiedVote {
  return stage.sign({ kind: 'finalize', epoch, view, hash });
}
