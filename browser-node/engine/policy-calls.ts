// The calls on a group's rules: what they are, and what a change of them would do.

import type { GroupPolicyApi, PolicyChanges, PolicyParameter, PolicyStep } from '../policy-api.ts';
import { CLAIM_REWARDS_PER_DAY, type TokenPolicy } from '../../shared/chain/token-policy.ts';
import type { Millis } from '../../shared/core/brand.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { POLICY_BOUNDS, policyUpdate, type PolicyChange } from '../../shared/ledger/families/policy.ts';
import { POLICY } from '../../shared/ledger/records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { TOKEN_BOUNDS, type Bound } from '../../shared/ledger/token-bounds.ts';
import { reject } from '../transport/failure-transfer.ts';
import type { EngineContext } from './engine-context.ts';
import { previewOperations, submitOperations } from './entry-outcome.ts';
import { findGroup } from './find-group.ts';
import type { GroupHost } from './group-host.ts';

const YES_NO = ['yes', 'no'];
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  join: ['invite', 'admin', 'open+puzzle'],
  taskRewards: ['escrow', 'mint'],
  transferable: YES_NO,
};
const BOUNDS: Readonly<Record<string, Bound>> = { ...POLICY_BOUNDS, ...TOKEN_BOUNDS };
/** In the order in which people read them. */
const PLAIN = ['join', ...Object.keys(POLICY_BOUNDS)];
const OF_TOKENS = ['transferable', ...Object.keys(TOKEN_BOUNDS), 'taskRewards'];
/** Whose values are amounts; other numbers are plain ones. */
const AMOUNTS: ReadonlySet<string> = new Set(
  'faucetAmount claimRewardAmount maxTotalSupply maxAccountBalance emission.consumer emission.industrial'.split(' '),
);
/** What holds where a policy does not say. */
const WHERE_ABSENT: Readonly<Record<string, string>> = {
  claimRewardsPerDay: `${CLAIM_REWARDS_PER_DAY}`,
  joinsPerHour: '0',
};
const EMISSION = 'emission.';
/** What an emission begins with that an admin starts: as in a new group. */
const HALVING: Millis = 4 * 365 * 86_400_000;

export function createPolicyCalls(given: {
  readonly context: EngineContext;
  readonly host: GroupHost;
}): GroupPolicyApi {
  const find = (groupId: string) => findGroup(given, groupId);
  const now = (): Millis => given.context.clock.now();
  return {
    async policy(groupId) {
      const { node } = await find(groupId);
      const { next, policy } = node.money.stats() ?? {};
      const announced = next && policy ? compare(flatten(policy), flatten(next.policy)) : [];
      return {
        parameters: describeParameters(node),
        announced: announced.map((step) => ({ ...step, from: next?.from ?? null })),
      };
    },
    async previewPolicy(groupId, changes) {
      const { node, self } = await find(groupId);
      const change = readChanges(node, { changes, now: now() });
      const { code, because, fee } = previewOperations(node, [policyUpdate.create(change)]);
      const planned = node.money.previewPolicy(self, change);
      const steps = (planned.ok ? planned.value : []).flatMap(({ name, before, after, from }) => {
        return compare(flatten({ [name]: before }), flatten({ [name]: after })).map((one) => ({ ...one, from }));
      });
      return { code, because, fee, steps };
    },
    async changePolicy(groupId, changes) {
      const { node } = await find(groupId);
      return await submitOperations(node, [policyUpdate.create(readChanges(node, { changes, now: now() }))]);
    },
  };
}

function describeParameters(node: GroupNode): PolicyParameter[] {
  const policy = node.money.stats()?.policy;
  const values = new Map([...flatten(readRecord(node.chain.state, POLICY, 'current') ?? {}), ...flatten(policy ?? {})]);
  return [...PLAIN, ...(policy ? OF_TOKENS : [])].map((name) => {
    const bounds = BOUNDS[name];
    return {
      name,
      value: values.get(name) ?? WHERE_ABSENT[name] ?? null,
      bounds: bounds === undefined ? null : { min: `${bounds.min}`, max: `${bounds.max}` },
      choices: CHOICES[name] ?? null,
    };
  });
}

/** Values as text, by the names that the API has for them; what it has none for is left out. */
function flatten(policy: object): Map<string, string> {
  const fields = Object.entries(policy).flatMap(([name, value]): [string, unknown][] =>
    name === 'emission' && value !== null && value !== undefined
      ? Object.entries(value as object).map(([field, one]) => [`${EMISSION}${field}`, one])
      : [[name, value]],
  );
  const known = fields.filter(([name, value]) => value !== undefined && (name in BOUNDS || name in CHOICES));
  return new Map(
    known.map(([name, value]) => [name, typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)]),
  );
}

function compare(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Omit<PolicyStep, 'from'>[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const steps = names.map((name) => ({ name, before: before.get(name) ?? null, after: after.get(name) ?? null }));
  return steps.filter((step) => step.before !== step.after);
}

function readChanges(node: GroupNode, given: { changes: PolicyChanges; now: Millis }): PolicyChange {
  const read = Object.entries(given.changes).map(([name, value]) => [name, readValue(name, value)] as const);
  const plain = read.filter(([name]) => !name.startsWith(EMISSION));
  const emission = read.filter(([name]) => name.startsWith(EMISSION));
  const change = Object.fromEntries(plain) as PolicyChange;
  if (emission.length === 0) return change;
  const stats = node.money.stats();
  const present: TokenPolicy['emission'] = (stats?.next?.policy ?? stats?.policy)?.emission;
  const fields = Object.fromEntries(emission.map(([name, value]) => [name.slice(EMISSION.length), value]));
  const started = { consumer: 0n, industrial: 0n, since: given.now, halving: HALVING };
  return { ...change, emission: { ...started, ...present, ...fields } };
}

function readValue(name: string, value: string): unknown {
  const choices = CHOICES[name];
  if (choices !== undefined) {
    if (!choices.includes(value)) return reject('bad_encoding', `${name} is one of ${choices.join(', ')}.`);
    return choices === YES_NO ? value === 'yes' : value;
  }
  const bounds = BOUNDS[name];
  if (bounds === undefined) return reject('bad_encoding', `There is no rule "${name}" that can be changed.`);
  const number = /^\d{1,19}$/.test(value) ? BigInt(value) : undefined;
  if (number === undefined || number < bounds.min || number > bounds.max) {
    return reject('policy_violation', `${name} is a whole number from ${bounds.min} to ${bounds.max}, as text.`);
  }
  return AMOUNTS.has(name) ? number : Number(number);
}
