// What a host of the machine is given, and what it tells.

import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import type { Founding } from '../chain/genesis.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { VerifiedVote } from '../chain/vote.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Clock, Log, Signer, Store, Verifier } from '../platform/ports.ts';
import type { BesideChain, FinalBlock } from './chain-head.ts';
import type { ConsensusPeers } from './consensus-line.ts';

export type OrderingEvents = {
  /** Entries were verified and are on disk, waiting for their block. */
  pending?(entries: readonly VerifiedEntry[]): void;
  /** `more`: the one after it is final as well, and follows at once. */
  final?(block: FinalBlock, more: boolean): void;
  /** The disk failed: nothing more is signed or ordered until a restart. */
  failed?(error: unknown): void;
  /** A waiting entry can never be ordered; it is forgotten. */
  refused?(entry: VerifiedEntry, failure: Failure): void;
  /** A verified entry was not taken in because another has its number. */
  contradicted?(entry: VerifiedEntry): void;
  /** Other validators order from now on. */
  epoch?(): void;
  /** Somebody has another final block of a height, or another end of an epoch (CH35, CH40): both are true, so somebody cheats. */
  conflict?(failure: Failure): void;
  /** Two votes of one validator contradict each other; `set`: of their epoch. */
  evidence?(proof: EquivocationProof): void;
};

export type EquivocationProof = {
  readonly first: VerifiedVote;
  readonly second: VerifiedVote;
  readonly set: ValidatorSet;
};

export type OrderingOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly founding: Founding;
  /** A seal that whoever invited knew of: no other block of its height is taken. */
  readonly checkpoint?: Checkpoint | undefined;
  /** The validator's key, one of the founding's set; null on a node that follows those who order. */
  readonly signer: Signer | null;
  /** The one of these keys that is here, if any: asked in each epoch, on a node whose keys change with them. */
  readonly openSigner?: (keys: readonly PublicKey[]) => Promise<Signer | null>;
  readonly log: Log;
  /** The other validators; absent where there never are any. */
  readonly peers?: ConsensusPeers;
  /** Where the group has documents. */
  readonly readChanges?: ChangeReader;
  readonly beside?: BesideChain;
  /** This device, whose entries stay however full the working set is (WS3). */
  readonly own?: PublicKey;
  /** How often the working set is purged (WS5). */
  readonly purgeInterval?: Millis;
};
