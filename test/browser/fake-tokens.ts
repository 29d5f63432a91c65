// Tokens in memory: a garden with some, where two in a hundred of what is sent stay with the group, and a circle without.

import type {
  GroupTokens,
  GroupTokensApi,
  TokenAsset,
  TokenEvent,
  TokenMint,
  TokenPreview,
  TokenTransfer,
} from '../../browser-node/group-api.ts';
import type { EntryStatus } from '../../browser-node/api.ts';
import { formatTokens } from '../../shared/ledger/token-text.ts';

const BPS = 200n;
const FEE = 10n;
const MINTABLE = 1_000_000n;
const MONTH = 30 * 86_400_000;

type Purse = { free: Record<TokenAsset, bigint>; events: TokenEvent[]; waiting: (() => void)[] };

export type FakeTokens = {
  readonly tokens: GroupTokensApi;
  status(id: string, groupId: string): EntryStatus | null;
  /** What was sent there becomes final. */
  order(groupId: string): void;
};

type FakeTokensOptions = {
  readonly now: number;
  readonly joinedLate: boolean;
  readonly enter: (call: string) => Promise<void>;
  readonly hasTokens: (groupId: string) => boolean;
  readonly nameOf: (groupId: string, identity: string) => string;
  /** An entry of one's own waits. */
  readonly sent: (groupId: string) => void;
};

export function createFakeTokens({ now, joinedLate, enter, hasTokens, nameOf, sent }: FakeTokensOptions): FakeTokens {
  const purses = new Map<string, Purse>();
  let isWhole = !joinedLate;
  const at = (groupId: string): Purse => {
    const found = purses.get(groupId) ?? { free: { consumer: 40_000n, industrial: 0n }, events: [], waiting: [] };
    purses.set(groupId, found);
    return found;
  };
  const preview = (groupId: string, given: TokenTransfer | TokenMint, made: boolean): TokenPreview => {
    const { free } = at(groupId);
    const amount = BigInt(given.amount);
    const kept = made ? 0n : (amount * BPS) / 10_000n;
    const lacks = !made && amount + FEE > free.consumer && given.asset === 'consumer';
    const none = !made && given.asset === 'industrial' && amount > free.industrial;
    const capped = made && amount > MINTABLE;
    const left = { ...free, consumer: free.consumer - FEE };
    if (!lacks && !none && !made) left[given.asset] -= amount;
    return {
      code: capped ? 'supply_cap' : lacks || none ? 'insufficient_funds' : 'ok',
      because: capped
        ? 'The token has reached its largest supply: no more can be made.'
        : 'The account does not hold enough for this: lower the amount or the fee.',
      fee: { consumer: `${FEE}`, industrial: '0' },
      arrives: `${amount - kept}`,
      kept: `${kept}`,
      mintable: made ? `${capped ? 0n : MINTABLE - amount}` : null,
      after: {
        consumer: { free: `${left.consumer}`, vesting: '60000' },
        industrial: { free: `${left.industrial}`, vesting: '0' },
      },
    };
  };
  const write = async (groupId: string, given: TokenTransfer | TokenMint, made: boolean): Promise<{ id: string }> => {
    const purse = at(groupId);
    const { after } = preview(groupId, given, made);
    const id = `entry-${purse.events.length}`;
    const what = `${formatTokens(BigInt(given.amount))} ${given.asset} tokens`;
    const who = given.to === undefined ? 'the treasury' : nameOf(groupId, given.to);
    const told = made ? ['mint', 'minted', 'for'] : ['send', 'sent', 'to'];
    const event = { id, code: 'ok', at: now, height: null, state: 'pending' } as const;
    purse.events.unshift({ ...event, sentence: `You ${told[0]} ${what} ${told[2]} ${who}.` });
    purse.waiting.push(() => {
      purse.free = { consumer: BigInt(after.consumer.free), industrial: BigInt(after.industrial.free) };
      const sentence = `You ${told[1]} ${what} ${told[2]} ${who}. The fee was ${formatTokens(FEE)} consumer tokens.`;
      purse.events = purse.events.map((one) =>
        one.id === id ? { ...one, state: 'final', height: 129, sentence } : one,
      );
    });
    sent(groupId);
    return { id };
  };
  return {
    tokens: {
      money: (groupId) => enter('groups.money').then(() => (hasTokens(groupId) ? describe(at(groupId), now) : null)),
      previewTransfer: (groupId, given) => enter('groups.previewTransfer').then(() => preview(groupId, given, false)),
      previewMint: (groupId, given) => enter('groups.previewMint').then(() => preview(groupId, given, true)),
      transfer: (groupId, given) => enter('groups.transfer').then(() => write(groupId, given, false)),
      mint: (groupId, given) => enter('groups.mint').then(() => write(groupId, given, true)),
      older: (_, { want = false } = {}) =>
        enter('groups.older').then(() =>
          isWhole
            ? { state: 'whole', sentence: 'All is here.' }
            : {
                state: want ? 'nobody' : 'there',
                sentence: want ? 'Nobody has older blocks.' : 'There are older blocks.',
              },
        ),
      history: (groupId, { limit = 50 } = {}) => enter('groups.history').then(() => at(groupId).events.slice(0, limit)),
    },
    status(id, groupId) {
      const event = at(groupId).events.find((one) => one.id === id);
      if (event === undefined) return null;
      const { code, height } = event;
      return height === null
        ? { state: 'pending', id, waitingFor: 'order' }
        : { state: 'final', id, height, code, because: '' };
    },
    order(groupId) {
      isWhole = true;
      for (const settle of at(groupId).waiting.splice(0)) settle();
    },
  };
}

function describe({ free }: Purse, now: number): GroupTokens {
  const figures = { treasury: '1200', escrow: '0', mintable: `${MINTABLE}`, emittedPerDay: '5000' };
  return {
    balances: {
      consumer: { free: `${free.consumer}`, vesting: '60000', until: now + MONTH },
      industrial: { free: `${free.industrial}`, vesting: '0', until: null },
    },
    figures: { consumer: { ...figures, total: '400000' }, industrial: { ...figures, total: '0', treasury: '0' } },
    transferable: true,
    transferFeeBps: Number(BPS),
    announced: { from: now + MONTH, changes: 'transferFeeBps 250' },
  };
}
