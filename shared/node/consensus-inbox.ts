// What a validator hears, on its way to the machine: bounded for each peer, sorted for news, and every signature checked.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, Log, Verifier } from '../platform/ports.ts';
import type { Simplex, SimplexInput, SimplexMessage } from '../chain/simplex-state.ts';
import type { Vote } from '../chain/vote.ts';
import { CONTROL_REQUESTS_PER_MINUTE } from '../core/limits.ts';
import { createTokenBucket, perMinute, spendTokens, type TokenBucket } from '../core/token-bucket.ts';
import { verifyCertificate } from '../chain/certificate.ts';
import { VIEW_WINDOW } from '../chain/simplex.ts';
import { finalViewOf, readRound } from '../chain/simplex-state.ts';
import { verifyVote } from '../chain/vote.ts';
import {
  decodeConsensus,
  type ConsensusMessage,
  type EntryWant,
  type Envelope,
  type UnverifiedMessage,
} from './consensus-wire.ts';

/** A validator says five things about a block and there are four blocks a second at most; the rest is for catching up. */
const MESSAGES_PER_SECOND = 100;
const BURST_SECONDS = 10;
const BYTES_PER_SECOND: number = 1024 * 1024;
/** What fails its check costs as much as so many that do not. */
const REFUSED_COST = 50;
const RETRY_AFTER: Millis = 500;
/** Messages of one peer whose signatures are being checked at once. */
const CHECKS_MAX = 16;
/** Peers whose rate is remembered. */
const PEERS_MAX = 1_024;

export type ConsensusInboxOptions = {
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly group: Cid;
  readonly machine: () => Simplex;
  readonly onInput: (input: SimplexInput) => void;
  readonly onGetEntries: (from: string, wants: readonly EntryWant[]) => void;
  readonly onEntries: (entries: readonly Uint8Array[]) => void;
  /** Of another epoch than the machine's: nothing in it was verified. */
  readonly onOtherEpoch: (from: string, envelope: Envelope) => void;
};

type Peer = {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  readonly questions: TokenBucket;
  checks: number;
  /** Messages that failed their check and are not paid for: the next one waits for that. */
  refused: number;
};

export class ConsensusInbox {
  readonly #options: ConsensusInboxOptions;
  readonly #peers = new Map<string, Peer>();
  #closed = false;

  constructor(options: ConsensusInboxOptions) {
    this.#options = options;
  }

  /** The next message of this peer waits until it settles; false when it was none. */
  async take(from: string, bytes: Uint8Array): Promise<boolean> {
    const { machine, log } = this.#options;
    const { set, epoch } = machine().config;
    const peer = this.#peerOf(from);
    while (peer.refused > 0 && !this.#closed) {
      peer.refused--;
      await this.#pay(peer.messages, REFUSED_COST);
    }
    await this.#pay(peer.messages, 1);
    await this.#pay(peer.bytes, bytes.length);
    if (this.#closed) return true;
    const decoded = decodeConsensus(bytes, set);
    if (!decoded.ok) {
      log.warn('unreadable consensus message', { code: decoded.error.code });
      return false;
    }
    const { finalView, message } = decoded.value;
    if (isQuestion(message)) await this.#pay(peer.questions, 1);
    if (decoded.value.epoch !== epoch) {
      this.#options.onOtherEpoch(from, decoded.value);
      return true;
    }
    if (message.kind === 'getEntries') this.#options.onGetEntries(from, message.wants);
    else if (message.kind === 'entries') this.#options.onEntries(message.entries);
    else await this.#check(peer, { from, finalView, message });
    return true;
  }

  close(): void {
    this.#closed = true;
  }

  /** Checks run side by side, up to a bound: the machine does not mind the order. */
  async #check(
    peer: Peer,
    { from, finalView, message }: { from: string; finalView: number; message: UnverifiedMessage },
  ): Promise<void> {
    peer.checks++;
    const checked = this.#verify(message).then((verified) => {
      peer.checks--;
      if (this.#closed) return;
      if (verified) return this.#options.onInput({ kind: 'message', from, finalView, message: verified });
      this.#options.log.warn('a vote does not verify', { kind: message.kind });
      peer.refused++;
    });
    if (peer.checks >= CHECKS_MAX) await checked;
  }

  /** What tells nothing new still says how far its sender is (CH29). */
  async #verify(message: UnverifiedMessage): Promise<SimplexMessage | null> {
    const { machine, verifier, group } = this.#options;
    const { set } = machine().config;
    if (!isNews(machine(), message)) return { kind: 'status' };
    switch (message.kind) {
      case 'propose':
      case 'vote': {
        const vote = await verifyVote({ vote: message.vote, group, set, verifier });
        return vote.ok ? { ...message, vote: vote.value } : null;
      }
      case 'certificate': {
        const certificate = await verifyCertificate({ certificate: message.certificate, group, set, verifier });
        return certificate.ok ? { ...message, certificate: certificate.value } : null;
      }
      case 'getCerts':
      case 'getBlocks':
      case 'status':
        return message;
    }
  }

  #peerOf(from: string): Peer {
    const now = this.#options.clock.now();
    const peer = this.#peers.get(from) ?? {
      messages: createTokenBucket({ perSecond: MESSAGES_PER_SECOND, burstSeconds: BURST_SECONDS }, now),
      bytes: createTokenBucket({ perSecond: BYTES_PER_SECOND, burstSeconds: BURST_SECONDS }, now),
      questions: createTokenBucket(perMinute(CONTROL_REQUESTS_PER_MINUTE), now),
      checks: 0,
      refused: 0,
    };
    this.#peers.delete(from);
    this.#peers.set(from, peer);
    for (const longestQuiet of this.#peers.keys()) {
      if (this.#peers.size <= PEERS_MAX) break;
      this.#peers.delete(longestQuiet);
    }
    return peer;
  }

  /** Nothing is dropped: whoever says too much is read more slowly. */
  async #pay(bucket: TokenBucket, amount: number): Promise<void> {
    const { clock } = this.#options;
    while (!this.#closed && !spendTokens(bucket, amount, clock.now())) {
      await new Promise<void>((resolve) => clock.after(RETRY_AFTER, resolve));
    }
  }
}

function isQuestion({ kind }: ConsensusMessage): boolean {
  return kind === 'getCerts' || kind === 'getBlocks' || kind === 'getEntries';
}

/** Whether the machine would learn from it: what it would drop, or holds already, need not be verified. */
function isNews(machine: Simplex, message: UnverifiedMessage): boolean {
  switch (message.kind) {
    case 'propose':
      return (
        isInReach(machine, message.vote.view) &&
        (!machine.blocks.has(message.block.id) || isNewVote(machine, message.vote))
      );
    case 'vote':
      return isInReach(machine, message.vote.view) && isNewVote(machine, message.vote);
    case 'certificate': {
      const { kind, view, hash } = message.certificate;
      if (view <= machine.final.view) return false;
      // Any other block would cost the check of a whole quorum, again and again.
      if (message.block?.id === hash && !machine.blocks.has(hash)) return true;
      if (kind === 'finalize') return view > finalViewOf(machine);
      const { notarization, nullification } = readRound(machine, view);
      return (kind === 'notarize' ? notarization : nullification) === null;
    }
    case 'getCerts':
    case 'getBlocks':
    case 'status':
      return true;
  }
}

function isInReach({ final, view }: Simplex, of: number): boolean {
  return of > final.view && of <= view + VIEW_WINDOW;
}

/** One that contradicts another of the same signer is news, once. */
function isNewVote(machine: Simplex, { kind, view, hash, signer }: Vote): boolean {
  const { votes, accused } = readRound(machine, view);
  const known = votes[kind].get(signer);
  return known === undefined || (known.hash !== hash && !accused.has(signer));
}
