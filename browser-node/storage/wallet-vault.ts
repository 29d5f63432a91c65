// Keys and secrets at rest: the device's key, and the identity's phrase, sealed by this origin or by a passphrase (BN6–BN9).

import type { Failure, Result } from '../../shared/core/result.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { PublicKey, Random, Signer } from '../../shared/platform/ports.ts';
import type { WeftDatabase } from './weft-database.ts';
import { decodeUtf8, encodeUtf8 } from '../../shared/codec/base.ts';
import { loadPart } from '../../shared/core/late-part.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { createWebSigner, generateDeviceKeys } from '../../shared/platform/web/web-crypto.ts';
import { openSeedSigner } from '../../shared/platform/web/web-identity.ts';

const DEVICE_KEY = 'device';
const WALLET_KEY = 'wallet';
const VALIDATOR_KEY_PREFIX = 'validator/';
const SEED_BYTES = 32;
const GCM = 'AES-GCM';
const GCM_NONCE_BYTES = 12;
const GCM_KEY_BITS = 256;

type Bytes = Uint8Array<ArrayBuffer>;

/** `key` cannot leave the browser: whoever copies the files of the profile gets it wrapped as the platform does it. */
type SealedByOrigin = { readonly by: 'origin'; readonly key: CryptoKey; readonly nonce: Bytes; readonly box: Bytes };
type SealedByPassphrase = { readonly by: 'passphrase'; readonly box: Bytes };

/** A key that signs and stays here: the device's, or one by which it orders a group. */
type KeyRecord =
  | { readonly kind: 'native'; readonly pair: CryptoKeyPair }
  | { readonly kind: 'sealed'; readonly seed: SealedByOrigin };

/** What is known of the wallet without opening it. */
export type WalletAbout = {
  readonly identity: Identity;
  /** X25519 public key that others seal to. */
  readonly sealingKey: Bytes;
  /** By which the identity certifies this device, as it goes into the first entry of a feed. */
  readonly certificate: Bytes;
  readonly deviceName: string;
  /** When this device was certified, ms. */
  readonly since: number;
  /** Whether the phrase was shown and confirmed. */
  readonly phraseSaved: boolean;
};

type SealedPhrase = SealedByOrigin | SealedByPassphrase;

type WalletRecord = WalletAbout & {
  readonly phrase: SealedPhrase;
  /** SHA-256 of the pass by which a tab shows that the wallet was unlocked before a takeover (BN14). */
  readonly pass?: Bytes;
};

/** A key made with the store and never leaving it (BN6). */
export type VaultKey = { readonly signer: Signer; readonly kind: 'native' | 'sealed' };

export class WalletVault {
  readonly #database: WeftDatabase;
  readonly #random: Random;
  readonly device: VaultKey;
  #wallet: WalletRecord | null;
  #turn: Promise<unknown> = Promise.resolve();

  static async open(database: WeftDatabase, random: Random): Promise<WalletVault> {
    const device = await openDevice(database, random);
    const wallet = await database.read<WalletRecord | undefined>('vault', (vault) => vault.get(WALLET_KEY));
    return new WalletVault({ database, random, device, wallet: wallet ?? null });
  }

  private constructor(given: {
    database: WeftDatabase;
    random: Random;
    device: VaultKey;
    wallet: WalletRecord | null;
  }) {
    this.#database = given.database;
    this.#random = given.random;
    this.device = given.device;
    this.#wallet = given.wallet;
  }

  get about(): WalletAbout | null {
    return this.#wallet;
  }

  /** Sealed with a key of this browser only: until a passphrase is set. */
  get unprotected(): boolean {
    return this.#wallet?.phrase.by === 'origin';
  }

  /** A new key by which this device orders a group; on disk, strictly, when it resolves. */
  async createValidator(): Promise<Signer> {
    const record = await createKey(this.#random);
    const { signer } = await openKey(record);
    await this.#database.write('vault', 'strict', (vault) => vault.put(record, VALIDATOR_KEY_PREFIX + signer.key));
    return signer;
  }

  /** One made here before, or null. */
  async openValidator(key: PublicKey): Promise<Signer | null> {
    const record = await readKey(this.#database, VALIDATOR_KEY_PREFIX + key);
    return record ? (await openKey(record)).signer : null;
  }

  /** Gone from the disk, strictly, when it resolves (LG133). */
  async eraseValidator(key: PublicKey): Promise<void> {
    await this.#database.write('vault', 'strict', (vault) => vault.delete(VALIDATOR_KEY_PREFIX + key));
  }

  /** On disk, strictly, when it resolves. Without a passphrase the phrase is sealed by this origin. */
  async create(
    about: WalletAbout,
    secret: { phrase: string; passphrase: string | undefined },
  ): Promise<Result<null, Failure>> {
    const phrase = await this.#seal(secret);
    if (!phrase.ok) return phrase;
    await this.#replace(() => ({ ...about, phrase: phrase.value }));
    return ok(null);
  }

  /** Seals the phrase anew; the old box is gone with the same write. */
  async setPassphrase(secret: { phrase: string; passphrase: string }): Promise<Result<null, Failure>> {
    const phrase = await this.#seal(secret);
    if (!phrase.ok) return phrase;
    await this.#replace((wallet) => wallet && { ...wallet, phrase: phrase.value });
    return ok(null);
  }

  /** The pass that counts from now on; null makes the last one void. */
  async setPassHash(pass: Bytes | null): Promise<void> {
    await this.#replace((before) => {
      if (!before) return null;
      const { pass: _before, ...wallet } = before;
      return pass === null ? wallet : { ...wallet, pass };
    });
  }

  get passHash(): Uint8Array | null {
    return this.#wallet?.pass ?? null;
  }

  async confirmPhraseSaved(): Promise<void> {
    await this.#replace((wallet) => wallet && { ...wallet, phraseSaved: true });
  }

  /** The recovery phrase. A passphrase costs half a second of this thread. */
  async openPhrase(passphrase?: string): Promise<Result<string, Failure>> {
    const sealed = this.#wallet?.phrase;
    if (!sealed) return fail('wallet_missing', 'There is no wallet in this browser yet: create or restore one.');
    if (sealed.by === 'origin') return decodeUtf8(await openByOrigin(sealed));
    if (passphrase === undefined) return fail('locked', 'The wallet is locked: enter its passphrase.');
    const keystore = await loadKeystore();
    if (!keystore.ok) return keystore;
    const opened = keystore.value.openWithPassphrase({ box: sealed.box, passphrase });
    if (opened.ok) return decodeUtf8(opened.value);
    return opened.error.code === 'wrong_passphrase'
      ? fail('wrong_passphrase', 'This is not the passphrase of this wallet: try again.')
      : opened;
  }

  async #seal(given: { phrase: string; passphrase: string | undefined }): Promise<Result<SealedPhrase, Failure>> {
    const { passphrase } = given;
    const secret = encodeUtf8(given.phrase);
    if (passphrase === undefined) return ok(await sealByOrigin(secret, this.#random));
    const keystore = await loadKeystore();
    if (!keystore.ok) return keystore;
    const box = keystore.value.sealWithPassphrase({ secret, passphrase, random: this.#random });
    return ok({ by: 'passphrase', box });
  }

  /** One change at a time, each made from what the one before left: else a late write brings an opened box back. */
  #replace(change: (before: WalletRecord | null) => WalletRecord | null): Promise<void> {
    const next = this.#turn.then(async () => {
      const wallet = change(this.#wallet);
      if (!wallet) return;
      await this.#database.write('vault', 'strict', (vault) => vault.put(wallet, WALLET_KEY));
      this.#wallet = wallet;
    });
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

/** Passphrases need it, and nothing else does. */
async function loadKeystore() {
  return await loadPart(() => import('../../shared/crypto/keystore.ts'));
}

async function openDevice(database: WeftDatabase, random: Random): Promise<VaultKey> {
  const stored = await readKey(database, DEVICE_KEY);
  const record = stored ?? (await createKey(random));
  if (!stored) await database.write('vault', 'strict', (vault) => vault.put(record, DEVICE_KEY));
  return await openKey(record);
}

async function readKey(database: WeftDatabase, key: string): Promise<KeyRecord | undefined> {
  return await database.read<KeyRecord | undefined>('vault', (vault) => vault.get(key));
}

async function openKey(record: KeyRecord): Promise<VaultKey> {
  if (record.kind === 'native') return { signer: await createWebSigner(record.pair), kind: 'native' };
  return { signer: await openSeedSigner(await openByOrigin(record.seed)), kind: 'sealed' };
}

/** Where the browser has no Ed25519 its AES key seals a seed of ours. */
async function createKey(random: Random): Promise<KeyRecord> {
  const pair = await generateDeviceKeys();
  if (pair) return { kind: 'native', pair };
  return { kind: 'sealed', seed: await sealByOrigin(random.bytes(SEED_BYTES), random) };
}

async function sealByOrigin(secret: Bytes, random: Random): Promise<SealedByOrigin> {
  const key = await crypto.subtle.generateKey({ name: GCM, length: GCM_KEY_BITS }, false, ['encrypt', 'decrypt']);
  const nonce = random.bytes(GCM_NONCE_BYTES);
  const box = await crypto.subtle.encrypt({ name: GCM, iv: nonce }, key, secret);
  return { by: 'origin', key, nonce, box: new Uint8Array(box) };
}

async function openByOrigin({ key, nonce, box }: SealedByOrigin): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.decrypt({ name: GCM, iv: nonce }, key, box));
}
