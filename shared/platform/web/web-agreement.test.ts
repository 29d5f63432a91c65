import { afterEach, expect, test, vi } from 'vitest';
import { encodeUtf8, toHex } from '../../codec/base.ts';
import type { Result } from '../../core/result.ts';
import { startInitiator, startResponder } from '../../crypto/noise.ts';
import { agreeOnSecret, sealingKeyOfSeed } from '../../crypto/x25519.ts';
import type { KeyAgreement } from '../ports.ts';
import { createWebAgreement } from './web-agreement.ts';

afterEach(() => vi.restoreAllMocks());

async function native(): Promise<KeyAgreement> {
  const agreement = await createWebAgreement();
  if (agreement === null) throw new Error('the platform of this test has X25519');
  return agreement;
}

const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

test('the platform agrees on what JavaScript computes', async () => {
  const agreement = await native();
  for (let byte = 1; byte < 20; byte++) {
    const remoteKey = sealingKeyOfSeed(seed(byte + 100));
    expect(await agreement.agree({ seed: seed(byte) })).toEqual(sealingKeyOfSeed(seed(byte)));
    expect(await agreement.agree({ seed: seed(byte), remoteKey })).toEqual(
      agreeOnSecret({ seed: seed(byte), remoteKey }),
    );
  }
});

test('NX3: a key of small order gives no secret', async () => {
  const agreement = await native();
  expect(await agreement.agree({ seed: seed(1), remoteKey: new Uint8Array(32) })).toBeUndefined();
  expect(await agreement.agree({ seed: seed(1), remoteKey: new Uint8Array(31).fill(9) })).toBeUndefined();
});

test('a platform without it is not asked', async () => {
  vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'));
  expect(await createWebAgreement()).toBeNull();
});

test('a platform that agrees on something else is not asked', async () => {
  vi.spyOn(crypto.subtle, 'deriveBits').mockResolvedValue(new Uint8Array(32).fill(1).buffer);
  expect(await createWebAgreement()).toBeNull();
});

test('NX1, NX4: a handshake by the platform is the same to the byte', async () => {
  const agreement = await native();
  const base = { psk: seed(7), prologue: encodeUtf8('weft') };
  const [mine, theirs] = [
    { ...base, staticSeed: seed(1), ephemeralSeed: seed(2) },
    { ...base, staticSeed: seed(3), ephemeralSeed: seed(4) },
  ];
  const here = [startInitiator(mine), startResponder(theirs)] as const;
  const there = [startInitiator(mine), startResponder(theirs)] as const;
  const nothing = new Uint8Array(0);
  for (const [writer, reader] of [
    [0, 1],
    [1, 0],
    [0, 1],
  ] as const) {
    const message = valueOf(await there[writer].writeMessageBy(agreement, nothing));
    expect(message).toEqual(valueOf(here[writer].writeMessage(nothing)));
    valueOf(await there[reader].readMessageBy(agreement, message));
    valueOf(here[reader].readMessage(message));
  }
  expect(toHex(there[0].split().handshakeHash)).toBe(toHex(here[1].split().handshakeHash));
  expect(await there[1].readMessageBy(agreement, nothing)).toMatchObject({ error: { code: 'bad_handshake' } });
});

function valueOf<T>(result: Result<T, { because: string }>): T {
  if (!result.ok) throw new Error(result.error.because);
  return result.value;
}
