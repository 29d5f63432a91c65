// The signature check of a site's service worker: the browser's own where it follows the profile, else a script from the edge (VS12).

import type { Verifier } from '../../shared/platform/ports.ts';
import { createNativeVerifier, isNativeUsable } from '../../shared/platform/web/web-crypto.ts';

const PURE_SCRIPT = '/.weft/pure.js';

export type SiteVerifier = { readonly verifier: Verifier; readonly kind: 'native' | 'pure' };

type PureScope = {
  importScripts(url: string): void;
  readonly weftVerifyPure?: (claim: Parameters<Verifier['verify']>[0]) => boolean;
};

/**
 * Must run once while the worker installs: only then may it fetch a script, and what it fetched then is stored with it.
 * Dynamic import() does not exist in service workers. Throws where neither check can be had.
 */
export async function createSiteVerifier(): Promise<SiteVerifier> {
  if (await isNativeUsable()) return { verifier: createNativeVerifier(), kind: 'native' };
  const scope = globalThis as unknown as PureScope;
  scope.importScripts(PURE_SCRIPT);
  const verifyPure = scope.weftVerifyPure;
  if (!verifyPure) throw new Error(`${PURE_SCRIPT} brought no verifier`);
  return { verifier: { verify: async (claim) => verifyPure(claim) }, kind: 'pure' };
}
