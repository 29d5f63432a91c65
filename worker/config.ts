// Configuration of an edge from its settings: which commons it serves, and under which hosts. A wrong one stops it loudly.

import type { EdgeConfig } from './edge.ts';
import { parseRelayAddress, type RelayAddress } from '../shared/session/relay-address.ts';
import { parseCheckpoint } from '../shared/light-client/checkpoint.ts';
import { parseCid } from '../shared/codec/cid.ts';
import { decodeGenesis } from '../shared/chain/genesis.ts';

type Settings = {
  readonly COMMONS: string;
  /** base64 */
  readonly GENESIS: string;
  readonly APP_HOST: string;
  readonly SITES_SUFFIX: string;
  /** Addresses of STUN servers, with spaces between them; none unless set. */
  readonly ICE?: string;
  /** `height:id` of a change of validators that the operator knows of; none unless set. */
  readonly CHECKPOINT?: string;
};

/** Throws: an edge whose genesis is not the one of its commons must not answer at all. */
export function readConfig(settings: Settings): EdgeConfig {
  const commons = parseCid(settings.COMMONS);
  if (!commons.ok) throw new Error(`COMMONS is not a group id. ${commons.error.because}`);
  const genesis = readBase64(settings.GENESIS);
  const founding = genesis && decodeGenesis(genesis);
  if (!genesis || !founding || !founding.ok) throw new Error('GENESIS is not the base64 of a genesis.');
  if (founding.value.group !== commons.value) {
    throw new Error(`GENESIS founds ${founding.value.group}, not COMMONS ${commons.value}.`);
  }
  const checkpoint = settings.CHECKPOINT ? parseCheckpoint(settings.CHECKPOINT) : undefined;
  if (checkpoint === null) throw new Error(`CHECKPOINT is no checkpoint: "${settings.CHECKPOINT}".`);
  return {
    commons: commons.value,
    genesis,
    appHost: settings.APP_HOST.toLowerCase(),
    sitesSuffix: settings.SITES_SUFFIX.toLowerCase(),
    ice: (settings.ICE ?? '').split(' ').filter((url) => url !== ''),
    ...(checkpoint && { checkpoint }),
  };
}

/** RELAYS: addresses of other relays, separated by spaces. Throws: one that is none would silently be missing. */
export function readOtherRelays(setting: string | undefined): readonly RelayAddress[] {
  return (setting ?? '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => {
      const relay = parseRelayAddress(word);
      if (!relay.ok) throw new Error(`RELAYS names "${word}". ${relay.error.because}`);
      return relay.value;
    });
}

export function writeBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

function readBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}
