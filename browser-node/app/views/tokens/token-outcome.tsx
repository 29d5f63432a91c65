// What an entry would do, as the group's own rule says before anything is signed.

import type { TokenPreview, TokenTransfer } from '../../../group-api.ts';
import { RefusalNotice } from '../../components/refusal-notice.tsx';
import { Facts } from '../../components/page.tsx';
import { describeFee, describeTokens } from '../../token-words.ts';

/** `mint`: made out of nothing, by an admin. */
export type TokenFormKind = 'send' | 'mint';

type OutcomeProps = {
  readonly kind: TokenFormKind;
  /** Of the receiver. */
  readonly name: string;
  readonly wanted: TokenTransfer;
  readonly preview: TokenPreview;
};

export function TokenOutcome({ kind, name, wanted: { asset }, preview }: OutcomeProps) {
  const { code, arrives, kept, after } = preview;
  if (code !== 'ok') {
    return (
      <RefusalNotice title={kind === 'send' ? 'This cannot be sent.' : 'These cannot be made.'} refusal={preview} />
    );
  }
  return (
    <Facts
      rows={[
        [name === 'You' ? 'You get' : `${name} gets`, describeTokens(asset, arrives)],
        ...(kept === '0' ? [] : ([['The group keeps', describeTokens(asset, kept)]] as const)),
        ['Fee', describeFee(preview)],
        ['You can spend afterwards', describeTokens(asset, after[asset].free)],
        ...(preview.mintable === null
          ? []
          : ([['Can still be made then', describeTokens(asset, preview.mintable)]] as const)),
      ]}
    />
  );
}
