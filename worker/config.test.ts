import { expect, test } from 'vitest';
import { testGenesis, testSigner } from '../shared/chain/chain.test-kit.ts';
import { decodeGenesis, encodeGenesis } from '../shared/chain/genesis.ts';
import { readConfig, writeBase64 } from './config.ts';

const genesis = encodeGenesis(testGenesis([testSigner('validator').key], 0));
const founding = decodeGenesis(genesis);
if (!founding.ok) throw new Error(founding.error.because);
const SETTINGS = {
  COMMONS: founding.value.group,
  GENESIS: writeBase64(genesis),
  APP_HOST: 'Weft.Example',
  SITES_SUFFIX: 'sites.example',
};

test('DL8: no STUN server is named unless the settings name some', () => {
  expect(readConfig(SETTINGS)).toMatchObject({ appHost: 'weft.example', ice: [] });
  expect(readConfig({ ...SETTINGS, ICE: '' }).ice).toEqual([]);
  const ICE = 'stun:one.example:3478  stuns:two.example';
  expect(readConfig({ ...SETTINGS, ICE }).ice).toEqual(['stun:one.example:3478', 'stuns:two.example']);
});

test('a genesis of another commons stops the edge', () => {
  const other = encodeGenesis(testGenesis([testSigner('another').key], 0));
  expect(() => readConfig({ ...SETTINGS, GENESIS: writeBase64(other) })).toThrow('not COMMONS');
});
