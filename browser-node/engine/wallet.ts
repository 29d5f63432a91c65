// The wallet's states: none, unlocked, locked. Secrets are opened for a moment and stay in the engine (BN7, BN9).

import type { WalletStatus } from '../api.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Clock, Random } from '../../shared/platform/ports.ts';
import type { LocalNode } from '../../shared/session/session-identity.ts';
import type { WalletAbout, WalletVault } from '../storage/wallet-vault.ts';
import { fromHex, toHex } from '../../shared/codec/base.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { PASSPHRASE_CHARS_MAX, PASSPHRASE_CHARS_MIN } from '../../shared/core/limits.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import {
  createRecoveryPhrase,
  deriveIdentity,
  parseRecoveryPhrase,
  type IdentitySecrets,
} from '../../shared/crypto/identity.ts';
import { webIdentityCrypto } from '../../shared/platform/web/web-identity.ts';

const PHRASE_ENTROPY_BYTES = 16;
const PASS_BYTES = 16;

type Draft = { readonly phrase: string; readonly secrets: IdentitySecrets };

/** Who signs here now. */
export type WalletAccount = {
  readonly self: LocalNode;
  readonly sealingKey: Uint8Array;
  /** The wallet was made in this very run: its device has written nothing yet. */
  readonly isNew: boolean;
  /** Other devices may know this identity: false for one that was made in this very run. */
  readonly isElsewhere: boolean;
};

export type WalletOptions = {
  readonly vault: WalletVault;
  readonly random: Random;
  readonly clock: Clock;
  readonly deviceName: string;
  /** Created, locked, unlocked or changed; the call waits for what this does. */
  readonly onChange: () => Promise<void>;
};

export class Wallet {
  readonly #options: WalletOptions;
  #locked: boolean;
  /** Kept while a wallet with a passphrase is unlocked. */
  #phrase: string | null = null;
  #draft: Promise<Draft> | null = null;
  #pass: string | null = null;
  #isNew = false;
  #isCreated = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: WalletOptions) {
    this.#options = options;
    const { vault } = options;
    this.#locked = vault.about !== null && !vault.unprotected;
  }

  status(): WalletStatus {
    const { about, unprotected } = this.#options.vault;
    if (!about) return { state: 'none' };
    const { identity: address, phraseSaved } = about;
    return { state: this.#locked ? 'locked' : 'unlocked', address, unprotected, phraseSaved };
  }

  get about(): WalletAbout | null {
    return this.#options.vault.about;
  }

  /** Null while there is no wallet, or it is locked. */
  get account(): WalletAccount | null {
    const { about, device } = this.#options.vault;
    if (!about || this.#locked) return null;
    const { identity, certificate, sealingKey } = about;
    const self = { identity, certificate, signer: device.signer };
    return { self, sealingKey, isNew: this.#isNew, isElsewhere: !this.#isCreated };
  }

  /** What a tab shows to the next engine if this one ends: null while the wallet is locked or has no passphrase. */
  get pass(): string | null {
    return this.#pass;
  }

  /** A tab was there while the wallet was unlocked: it still is. The phrase itself stays closed until the passphrase comes. */
  admit(pass: string): Promise<void> {
    return this.#inTurn(() => this.#admit(pass));
  }

  async #admit(pass: string): Promise<void> {
    const { vault, onChange } = this.#options;
    const decoded = fromHex(pass);
    if (!this.#locked || !decoded.ok || vault.passHash === null) return;
    if (!equalBytes(sha256(decoded.value), vault.passHash)) return;
    this.#locked = false;
    this.#pass = pass;
    await onChange();
  }

  /** Who this will be: before there is a wallet, the identity that `create` is going to take (its puzzle takes time). */
  async prepare(): Promise<Identity> {
    return this.about?.identity ?? (await this.#prepareDraft()).secrets.identity;
  }

  create(passphrase: string | undefined): Promise<Result<{ address: string; recoveryPhrase: string }, Failure>> {
    return this.#inTurn(async () => {
      const { phrase, secrets } = await this.#prepareDraft();
      const written = await this.#write({ phrase, secrets, passphrase, phraseSaved: false });
      return written.ok ? ok({ address: secrets.identity, recoveryPhrase: phrase }) : written;
    });
  }

  /** The phrase was typed by its owner, so it is saved. The same phrase again only sets the passphrase. */
  restore(given: { phrase: string; passphrase: string | undefined }): Promise<Result<{ address: string }, Failure>> {
    return this.#inTurn(() => this.#restore(given));
  }

  async #restore(given: {
    phrase: string;
    passphrase: string | undefined;
  }): Promise<Result<{ address: string }, Failure>> {
    const good = given.passphrase === undefined ? ok(null) : checkPassphrase(given.passphrase);
    if (!good.ok) return good;
    const parsed = parseRecoveryPhrase(given.phrase);
    if (!parsed.ok) return parsed;
    const phrase = parsed.value;
    const secrets = await deriveIdentity(phrase, webIdentityCrypto);
    if (this.about?.identity === secrets.identity) return await this.#restoreSame(phrase, given.passphrase);
    const written = await this.#write({ phrase, secrets, passphrase: given.passphrase, phraseSaved: true });
    return written.ok ? ok({ address: secrets.identity }) : written;
  }

  async recoveryPhrase(): Promise<Result<string, Failure>> {
    if (this.#phrase !== null) return ok(this.#phrase);
    return await this.#options.vault.openPhrase();
  }

  /** Opens what was sealed to the identity; null while only the passphrase opens the phrase, and nobody has given it in this run. */
  async sealingSeed(): Promise<IdentitySecrets['sealingSeed'] | null> {
    return (await this.secrets())?.sealingSeed ?? null;
  }

  /** What the phrase gives, under the same condition. */
  async secrets(): Promise<IdentitySecrets | null> {
    const phrase = await this.recoveryPhrase();
    const parsed = phrase.ok ? parseRecoveryPhrase(phrase.value) : phrase;
    return parsed.ok ? await deriveIdentity(parsed.value, webIdentityCrypto) : null;
  }

  async confirmPhraseSaved(): Promise<Result<null, Failure>> {
    if (!this.about) return noWallet();
    await this.#options.vault.confirmPhraseSaved();
    await this.#options.onChange();
    return ok(null);
  }

  setPassphrase(passphrase: string): Promise<Result<null, Failure>> {
    return this.#inTurn(() => this.#setPassphrase(passphrase));
  }

  async #setPassphrase(passphrase: string): Promise<Result<null, Failure>> {
    const good = checkPassphrase(passphrase);
    if (!good.ok) return good;
    const phrase = await this.recoveryPhrase();
    if (!phrase.ok) return phrase;
    const sealed = await this.#options.vault.setPassphrase({ phrase: phrase.value, passphrase });
    if (!sealed.ok) return sealed;
    this.#phrase = phrase.value;
    await this.#renewPass();
    await this.#options.onChange();
    return ok(null);
  }

  unlock(passphrase: string): Promise<Result<null, Failure>> {
    return this.#inTurn(() => this.#unlock(passphrase));
  }

  async #unlock(passphrase: string): Promise<Result<null, Failure>> {
    const opened = await this.#options.vault.openPhrase(passphrase);
    if (!opened.ok) return opened;
    this.#locked = false;
    if (!this.#options.vault.unprotected) this.#phrase = opened.value;
    await this.#renewPass();
    await this.#options.onChange();
    return ok(null);
  }

  /** Locked at once, whatever the disk says; it rejects where the disk would still let a tab's pass open it. */
  lock(): Promise<Result<null, Failure>> {
    return this.#inTurn(() => this.#lock());
  }

  async #lock(): Promise<Result<null, Failure>> {
    const { vault, onChange } = this.#options;
    if (!vault.about) return noWallet();
    if (vault.unprotected) {
      return fail('no_passphrase', 'Without a passphrase nothing could open the wallet again: set one, then lock it.');
    }
    this.#locked = true;
    this.#phrase = null;
    this.#pass = null;
    await onChange();
    await vault.setPassHash(null);
    return ok(null);
  }

  /** A wallet without a passphrase is never locked and needs none. */
  async #renewPass(): Promise<void> {
    const { vault, random } = this.#options;
    if (vault.unprotected) return;
    const pass = random.bytes(PASS_BYTES);
    await vault.setPassHash(sha256(pass));
    this.#pass = toHex(pass);
  }

  #prepareDraft(): Promise<Draft> {
    this.#draft ??= this.#makeDraft().catch((error: unknown) => {
      this.#draft = null;
      throw error;
    });
    return this.#draft;
  }

  async #makeDraft(): Promise<Draft> {
    const phrase = createRecoveryPhrase(this.#options.random.bytes(PHRASE_ENTROPY_BYTES));
    return { phrase, secrets: await deriveIdentity(phrase, webIdentityCrypto) };
  }

  async #restoreSame(phrase: string, passphrase: string | undefined): Promise<Result<{ address: string }, Failure>> {
    const { vault, onChange } = this.#options;
    await vault.confirmPhraseSaved();
    const sealed = passphrase === undefined ? ok(null) : await vault.setPassphrase({ phrase, passphrase });
    if (!sealed.ok) return sealed;
    this.#locked = false;
    if (!vault.unprotected) this.#phrase = phrase;
    await this.#renewPass();
    await onChange();
    return ok({ address: this.about!.identity });
  }

  /** Certifies this device and seals the phrase; the wallet is unlocked afterwards. */
  async #write(
    given: Draft & { passphrase: string | undefined; phraseSaved: boolean },
  ): Promise<Result<null, Failure>> {
    const { vault, clock, deviceName, onChange } = this.#options;
    const { phrase, secrets, passphrase, phraseSaved } = given;
    if (vault.about) {
      return fail(
        'wallet_exists',
        'This browser already holds a wallet: use it, or another profile of the browser for another one.',
      );
    }
    const good = passphrase === undefined ? ok(null) : checkPassphrase(passphrase);
    if (!good.ok) return good;
    const since = clock.now();
    const certificate = await createDeviceCertificate({
      signer: secrets.signer,
      device: vault.device.signer.key,
      name: deviceName,
      issued: since,
    });
    const { identity, sealingKey } = secrets;
    const about = { identity, sealingKey, certificate, deviceName, since, phraseSaved };
    const created = await vault.create(about, { phrase, passphrase });
    if (!created.ok) return created;
    this.#isNew = true;
    this.#isCreated = !phraseSaved;
    this.#draft = null;
    this.#locked = false;
    this.#phrase = passphrase === undefined ? null : phrase;
    await this.#renewPass();
    await onChange();
    return ok(null);
  }

  /** Tabs call at the same time: each change sees what the one before left. */
  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(change);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

function checkPassphrase(passphrase: string): Result<null, Failure> {
  if (passphrase.length >= PASSPHRASE_CHARS_MIN && passphrase.length <= PASSPHRASE_CHARS_MAX) return ok(null);
  if (passphrase.length > PASSPHRASE_CHARS_MAX) {
    return fail('bad_passphrase', `A passphrase has at most ${PASSPHRASE_CHARS_MAX} characters: choose a shorter one.`);
  }
  return fail('bad_passphrase', `A passphrase has at least ${PASSPHRASE_CHARS_MIN} characters: choose a longer one.`);
}

function noWallet(): Result<never, Failure> {
  return fail('wallet_missing', 'There is no wallet in this browser yet: create or restore one.');
}
