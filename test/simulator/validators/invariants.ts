// What has to hold after every event of a simulation, for all validators that do not cheat, over all their lives.

import type { Cid } from '../../../shared/codec/cid.ts';
import type { Simplex, SimplexEffect, SimplexMessage } from '../../../shared/chain/simplex-state.ts';
import { VIEW_WINDOW } from '../../../shared/chain/simplex.ts';
import type { VerifiedCertificate } from '../../../shared/chain/certificate.ts';
import type { VoteClaim } from '../../../shared/chain/vote.ts';
import { checkFinality } from '../../../shared/chain/certified-block.ts';
import type { EntryBook } from './entry-book.ts';
import type { Signatures } from './signatures.ts';
import type { FinalBlock } from './validator-disk.ts';
import type { NodeWatch } from './node-ports.ts';
import type { ValidatorNode } from './validator-node.ts';

type Claims = { notarize?: Cid | null; finalize?: Cid | null; nullify?: true };

export class BrokenInvariant extends Error {}

/** What happened to the honest, so that a test can tell whether its faults did anything. */
export type Seen = {
  /** Contradictions that were reported. */
  evidence: number;
  /** Views that a quorum gave up. */
  nullified: number;
  /** Blocks without entries that became final. */
  empty: number;
  /** Blocks that are final by one above them. */
  carried: number;
  /** Messages that no machine asked for. */
  staged: number;
  /** Epochs that ended. */
  seals: number;
  /** Seals that are final by a block above them. */
  carriedSeals: number;
};

export class Invariants implements NodeWatch {
  readonly #isHonest: (self: number) => boolean;
  readonly #isHonestSigner: (epoch: number, signer: number) => boolean;
  readonly #signatures: Signatures;
  readonly #book: EntryBook;
  readonly #finalByHeight = new Map<number, Cid>();
  /** Of each validator, epoch and view, what it ever signed. */
  readonly #claims = new Map<string, Claims>();
  /** Of each epoch and view, what was certified. */
  readonly #certified = new Map<string, Claims>();
  readonly #checked = new WeakSet<VerifiedCertificate>();
  readonly seen: Seen = { evidence: 0, nullified: 0, empty: 0, carried: 0, staged: 0, seals: 0, carriedSeals: 0 };

  constructor(given: {
    readonly isHonest: (self: number) => boolean;
    readonly isHonestSigner: (epoch: number, signer: number) => boolean;
    readonly signatures: Signatures;
    readonly book: EntryBook;
  }) {
    this.#isHonest = given.isHonest;
    this.#isHonestSigner = given.isHonestSigner;
    this.#signatures = given.signatures;
    this.#book = given.book;
  }

  performed(node: ValidatorNode, effect: SimplexEffect): void {
    if (!this.#isHonest(node.self)) return;
    if (effect.kind === 'sign') this.#checkClaim(node, effect.claim);
    if (effect.kind === 'send') this.#checkMessage(node, effect.message);
    if (effect.kind !== 'evidence') return;
    this.seen.evidence++;
    const { epoch, signer } = effect.first;
    if (this.#isHonestSigner(epoch, signer)) broken('nobody honest is accused', effect);
  }

  finalised(node: ValidatorNode, final: FinalBlock): void {
    const { block, certificate } = final;
    if (!this.#isHonest(node.self)) return;
    const { height, parent, epoch, validators, nextValidators } = block.header;
    if (!checkFinality(block, final).ok || !this.#signatures.isCertificate(certificate)) {
      broken('everything final has its certificate', { place: node.place, height });
    }
    const { rules } = this.#book.groupAfter(parent);
    const isOfEpoch = epoch === rules.epoch && certificate.epoch === epoch && validators === rules.set.id;
    if (!isOfEpoch)
      broken('final is what the validators of the epoch signed', { height, epoch, expected: rules.epoch });
    const known = this.#finalByHeight.get(height) ?? block.id;
    if (known !== block.id) broken('one final block a height', { place: node.place, height, known, other: block.id });
    if (height > 1 && this.#finalByHeight.get(height - 1) !== parent) broken('a chain', { height, parent });
    if (this.#finalByHeight.has(height)) return;
    this.#finalByHeight.set(height, block.id);
    if (block.header.cut.length === 0) this.seen.empty++;
    if (final.after.length > 0) this.seen.carried++;
    if (nextValidators === validators) return;
    this.seen.seals++;
    if (final.after.length > 0) this.seen.carriedSeals++;
  }

  stepped(node: ValidatorNode, before: Simplex): void {
    if (!this.#isHonest(node.self)) return;
    const { view, final, rounds, config } = node.machine;
    const isSameEpoch = config.epoch === before.config.epoch;
    if (config.epoch < before.config.epoch) broken('epochs never go back', { place: node.place });
    if ((isSameEpoch && view < before.view) || final.height < before.final.height)
      broken('never back', { place: node.place, view });
    if (rounds.size > view - final.view + VIEW_WINDOW + 1) broken('bounded memory', { rounds: rounds.size, view });
  }

  /** CH18, CH22, CH27, CH28: signed is only what is on disk and contradicts nothing that was ever signed. */
  #checkClaim(node: ValidatorNode, claim: VoteClaim): void {
    if (!node.disk.has({ sort: 'vote', claim })) broken('on disk before signed', { place: node.place, claim });
    const { kind, epoch, view, hash } = claim;
    const last = node.machine.final;
    if (this.#book.groupAfter(last.id).rules.epoch !== epoch)
      broken('nothing is signed after the seal', { claim, last });
    const key = `${node.self} ${epoch} ${view}`;
    const claims = this.#claims.get(key) ?? {};
    this.#claims.set(key, claims);
    if (kind === 'nullify') claims.nullify = true;
    else if (claims[kind] !== undefined && claims[kind] !== hash) broken('one vote of a kind', { key, claims, claim });
    else claims[kind] = hash;
    if (claims.nullify && claims.finalize !== undefined) broken('no finalize beside nullify', { key, claims });
  }

  #checkMessage(node: ValidatorNode, message: SimplexMessage): void {
    if (message.kind === 'certificate') this.#checkCertificate(node, message.certificate);
    if ((message.kind !== 'vote' && message.kind !== 'propose') || message.vote.signer !== node.machine.config.self)
      return;
    const { kind, epoch, view, hash } = message.vote;
    const claims = this.#claims.get(`${node.self} ${epoch} ${view}`);
    const isSigned = kind === 'nullify' ? claims?.nullify : claims?.[kind] === hash;
    if (!isSigned) broken('sent is what was signed', { place: node.place, message });
  }

  #checkCertificate(node: ValidatorNode, certificate: VerifiedCertificate): void {
    const { kind, epoch, view, hash } = certificate;
    if (kind !== 'finalize' && !node.disk.has({ sort: 'certificate', certificate })) {
      broken('on disk before sent', { place: node.place, kind, view });
    }
    if (this.#checked.has(certificate)) return;
    this.#checked.add(certificate);
    if (!this.#signatures.isCertificate(certificate)) broken('a certificate is a quorum', { kind, view });
    const certified = this.#certified.get(`${epoch} ${view}`) ?? {};
    this.#certified.set(`${epoch} ${view}`, certified);
    if (kind === 'nullify') {
      if (!certified.nullify) this.seen.nullified++;
      certified.nullify = true;
    } else if ((certified[kind] ?? hash) !== hash) broken('one certified block a view', { kind, view });
    else certified[kind] = hash;
    if (certified.nullify && certified.finalize !== undefined) broken('a final view is not nullified', { view });
    if (certified.finalize !== undefined && (certified.notarize ?? certified.finalize) !== certified.finalize) {
      broken('final is what was notarized', { view });
    }
  }
}

function broken(rule: string, because: object): never {
  throw new BrokenInvariant(`${rule}: ${JSON.stringify(because)}`);
}
