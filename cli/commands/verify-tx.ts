// weft verify-tx: what a signed payment says, and whether its device signed it, without any network.

import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { formatTokens } from '../../shared/ledger/token-text.ts';
import { type Command, CommandFailure } from './command.ts';

export const VERIFY_TX: Command = {
  name: 'verify-tx',
  summary: 'Says what a signed payment in hex would do, and whether its device signed it.',
  usage: 'HEX',
  options: {},
  examples: ['verify-tx a263736967…', 'verify-tx a263736967… --json'],
  takes: 1,
  async run({ positionals, answer }) {
    // The whole ledger: only this command pays for loading it.
    const { verifySignedTx } = await import('../../shared/rpc/transfer-payload.ts');
    const verified = await verifySignedTx(positionals[0] ?? '', await createWebVerifier());
    if (!verified.ok) throw new CommandFailure(verified.error.code, verified.error.because);
    const { id, payload } = verified.value;
    const { device, to, amountConsumer, amountIndustrial, fee, feeSelector, nonce, memo, group } = payload;
    const tokens = {
      consumer: formatTokens(amountConsumer),
      industrial: formatTokens(amountIndustrial),
      fee: formatTokens(fee),
    };
    const value = { id, group, device, to, tokens, feeSelector, nonce, memo };
    const lines = [
      `signed by ${device} (number ${nonce})`,
      `to        ${to}`,
      `pays      ${tokens.consumer} consumer, ${tokens.industrial} industrial; fee ${tokens.fee}`,
      ...(memo === '' ? [] : [`memo      ${JSON.stringify(memo)}`]),
      `id        ${id}`,
    ];
    answer({ value, text: lines.join('\n') });
  },
};
