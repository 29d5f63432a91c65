// A wallet where there is none yet: whoever publishes, founds or joins gets one without a question.

import type { WeftApi } from '../api.ts';

/** Whether one was made. */
export async function ensureWallet(api: Pick<WeftApi, 'wallet'>): Promise<boolean> {
  const wallet = await api.wallet.status();
  if (wallet.state !== 'none') return false;
  await api.wallet.create();
  return true;
}
