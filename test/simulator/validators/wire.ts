// What simulated validators send each other: the machine's messages, blocks, entries and the greeting of a new session.

import type { SimplexMessage } from '../../../shared/chain/simplex-state.ts';
import type { FinalBlock } from './validator-disk.ts';

/** Whoever sends it says nothing of its own place. */
export type UnsentWire = Unsent<Wire>;
type Unsent<W> = W extends Wire ? Omit<W, 'from'> : never;

/** Entries are numbers of one feed: whoever has the last has all before it. `from` is the sender's place in the network. */
export type Wire =
  | {
      readonly kind: 'simplex';
      readonly from: number;
      readonly epoch: number;
      readonly finalView: number;
      readonly message: SimplexMessage;
    }
  /** `epoch`: the sender's. */
  | { readonly kind: 'blocks'; readonly from: number; readonly epoch: number; readonly blocks: readonly FinalBlock[] }
  | { readonly kind: 'entries'; readonly from: number; readonly upTo: number }
  /** Asks for entries up to a number. */
  | { readonly kind: 'wanted'; readonly from: number; readonly upTo: number }
  /** A session begins. */
  | {
      readonly kind: 'greeting';
      readonly from: number;
      readonly epoch: number;
      readonly finalView: number;
      readonly upTo: number;
    };
