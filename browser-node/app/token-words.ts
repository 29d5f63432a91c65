// What the app says of tokens: amounts as people write them, who is sent to, and what a preview comes to.

import type { GroupMember, TokenAmount, TokenAsset, TokenBalance, TokenPreview } from '../group-api.ts';
import { formatTokens, parseTokens } from '../../shared/ledger/token-text.ts';
import { formatDate, groupDigits, shorten } from './format.ts';
import { nameMember } from './group-words.ts';

export const ASSETS = ['consumer', 'industrial'] as const satisfies readonly TokenAsset[];

/** As a memo of an entry. */
const MEMO_BYTES_MAX = 256;

/** `4.000 consumer tokens` of '4000', `12 500.000` of '12500000'. */
export function describeTokens(asset: TokenAsset, amount: TokenAmount): string {
  return `${groupTokens(amount)} ${asset} ${amount === '1000' ? 'token' : 'tokens'}`;
}

/** Thousandths of what somebody typed, or why it is no amount to send; neither while nothing is typed. */
export function readAmount(typed: string): { readonly amount?: TokenAmount; readonly problem?: string } {
  if (typed.trim() === '') return {};
  const parsed = parseTokens(typed);
  if (!parsed.ok) return { problem: parsed.error.because };
  if (parsed.value === 0n) return { problem: 'Nothing cannot be sent: write how many tokens, such as 12.5.' };
  return { amount: `${parsed.value}` };
}

/** Read, and not typed: with spaces between the thousands, as the rules have them. */
function groupTokens(amount: TokenAmount): string {
  const [whole = '', decimals] = formatTokens(BigInt(amount)).split('.');
  return `${groupDigits(BigInt(whole))}.${decimals}`;
}

export function checkMemo(memo: string): string | undefined {
  const bytes = new TextEncoder().encode(memo).length;
  return bytes > MEMO_BYTES_MAX ? `A note has at most ${MEMO_BYTES_MAX} bytes; this has ${bytes}.` : undefined;
}

/** `100.000 consumer tokens, and 60.000 more until 3 Feb 2026`. */
export function describeBalance(asset: TokenAsset, { free, vesting, until }: TokenBalance): string {
  const spendable = describeTokens(asset, free);
  if (until === null) return spendable;
  return `${spendable} · ${groupTokens(vesting)} more become free until ${formatDate(until)}`;
}

/** Two members may call themselves the same: then the address tells them apart. */
export function nameReceivers(members: readonly GroupMember[]): readonly (readonly [identity: string, name: string])[] {
  const names = Map.groupBy(members, nameMember);
  return members.map((member) => {
    const name = nameMember(member);
    const isAlone = names.get(name)?.length === 1;
    return [member.identity, isAlone ? name : `${name} (${shorten(member.identity)})`];
  });
}

/** `none`, `0.010 consumer tokens`, or of both. */
export function describeFee({ fee }: Pick<TokenPreview, 'fee'>): string {
  const parts = ASSETS.filter((asset) => fee[asset] !== '0').map((asset) => describeTokens(asset, fee[asset]));
  return parts.length === 0 ? 'none' : parts.join(' and ');
}
