// Rules in memory: a garden whose token rules change a month after they were announced, and a circle without tokens.

import type { GroupPolicyApi, PolicyChanges, PolicyParameter, PolicyStep } from '../../browser-node/policy-api.ts';
import { POLICY_BOUNDS } from '../../shared/ledger/families/policy.ts';
import { TOKEN_BOUNDS, type Bound } from '../../shared/ledger/token-bounds.ts';
import type { FakeEntries } from './fake-entries.ts';

type FakePolicyOptions = {
  readonly now: number;
  readonly enter: (call: string) => Promise<void>;
  readonly hasTokens: (groupId: string) => boolean;
  readonly write: FakeEntries['write'];
};

const DAY = 86_400_000;
const MONTH = 30 * DAY;
const PLAIN = {
  join: 'invite',
  puzzleBits: '16',
  joinsPerHour: '60',
  operationsPerDay: '1000',
  bytesPerDay: '16777216',
  blockInterval: '250',
};
const OF_TOKENS = {
  transferable: 'yes',
  faucetAmount: '100000',
  faucetVesting: `${MONTH}`,
  claimRewardAmount: '10000',
  claimRewardsPerDay: '10',
  transferFeeBps: '200',
  maxTotalSupply: '20000000000',
  maxAccountBalance: '20000000000',
  feeFloor: '0',
  noticePeriod: `${MONTH}`,
  'emission.consumer': '5000000',
  'emission.industrial': '5000000',
  'emission.halving': `${4 * 365 * DAY}`,
  taskRewards: 'escrow',
};
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  join: ['invite', 'admin', 'open+puzzle'],
  taskRewards: ['escrow', 'mint'],
  transferable: ['yes', 'no'],
};
const BOUNDS: Readonly<Record<string, Bound>> = { ...POLICY_BOUNDS, ...TOKEN_BOUNDS };

export function createFakePolicy({ now, enter, hasTokens, write }: FakePolicyOptions): GroupPolicyApi {
  const values: Record<string, string> = { ...PLAIN, ...OF_TOKENS };
  let announced: PolicyStep[] = [];
  const stepsOf = (changes: PolicyChanges): PolicyStep[] =>
    Object.entries(changes).map(([name, after]) => {
      return { name, before: values[name] ?? null, after, from: name in OF_TOKENS ? now + MONTH : null };
    });
  const describe = (name: string): PolicyParameter => {
    const bounds = BOUNDS[name];
    return {
      name,
      value: values[name] ?? null,
      bounds: bounds === undefined ? null : { min: `${bounds.min}`, max: `${bounds.max}` },
      choices: CHOICES[name] ?? null,
    };
  };
  return {
    async policy(groupId) {
      await enter('groups.policy');
      const names = [...Object.keys(PLAIN), ...(hasTokens(groupId) ? Object.keys(OF_TOKENS) : [])];
      return { parameters: names.map(describe), announced };
    },
    async previewPolicy(_groupId, changes) {
      await enter('groups.previewPolicy');
      return { code: 'ok', because: '', fee: { consumer: '10', industrial: '0' }, steps: stepsOf(changes) };
    },
    async changePolicy(groupId, changes) {
      await enter('groups.changePolicy');
      const steps = stepsOf(changes);
      return write(groupId, () => {
        announced = steps.filter(({ from }) => from !== null);
        for (const { name, after, from } of steps) if (from === null && after !== null) values[name] = after;
      });
    },
  };
}
