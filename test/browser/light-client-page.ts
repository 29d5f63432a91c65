// The page side of the light client's test: it judges what the test gives it, with the browser's own Ed25519.

import type { Cid } from '../../shared/codec/cid.ts';
import { bytesOfHex } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import { decodeRecord } from '../../shared/ledger/records.ts';
import { ACCOUNT } from '../../shared/ledger/account-records.ts';
import { resolveSite } from '../../shared/light-client/site-record.ts';
import { verifyResolution } from '../../shared/light-client/verify-resolution.ts';
import { createNativeVerifier } from '../../shared/platform/web/web-crypto.ts';

/** Bytes as hex: what a test can hand to a page. */
export type Question = {
  readonly group: Cid;
  readonly genesis: string;
  readonly resolution: string;
  readonly now: number;
  readonly key: string;
  readonly balanceKey: string;
  readonly checkpoint?: Cid;
  readonly atLeastHeight?: number;
};

export type Answer = { readonly code: string } | { readonly balance: string; readonly manifest: Cid };

async function judge(question: Question): Promise<Answer> {
  const { genesis, resolution, now, balanceKey, ...given } = question;
  const verifier = createNativeVerifier();
  const resolved = await verifyResolution({
    ...given,
    genesis: bytesOfHex(genesis),
    resolution: bytesOfHex(resolution),
    now,
    verifier,
  });
  if (!resolved.ok) return { code: resolved.error.code };
  const site = resolveSite(resolved.value, now);
  if (!site.ok) return { code: site.error.code };
  const balance = resolved.value.items.get(balanceKey);
  assert(balance, 'the balance came along');
  const account = decodeRecord(ACCOUNT, balance);
  assert(account.ok, 'a proven account can be read');
  return { balance: account.value.balance.toString(), manifest: site.value.manifest };
}

const lightClient = { judge };
export type LightClientPage = typeof lightClient;
Object.assign(globalThis, { lightClient });
