import { describe, expect, test } from 'vitest';
import { cidOf, GROUP } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import { SUPPLY, TREASURY } from '../account-records.ts';
import { OPEN_ITEMS } from '../open-items.ts';
import { TASK } from '../task-records.ts';
import { memberRemove, memberRole } from './membership.ts';
import { policyUpdate } from './policy.ts';
import { taskAssign, taskComplete, taskCreate, taskFail, taskStart } from './tasks.ts';

const DAY = 86_400_000;
const id = 'translate the handbook';

type Task = Parameters<typeof taskCreate.create>[0];

async function openGroup(tokens: Partial<TokenPolicy> | null = {}) {
  const group = await openTokenGroup(['admin', 'anna', 'bela', 'cora'], { tokens });
  const create = (changes: Partial<Task> = {}) =>
    taskCreate.create({
      ...{ id, title: 'Translate', open: true, deadline: group.world.time + 10 * DAY },
      ...(tokens && { reward: { asset: 'industrial', amount: 400n } as const }),
      ...changes,
    });
  const status = () => group.read(TASK, id)?.status;
  const start = () => taskStart.create({ id, entry: group.read(TASK, id)?.entry ?? GROUP });
  return { ...group, ...group.people, create, start, status };
}

type Group = Awaited<ReturnType<typeof openGroup>>;

async function startTask({ act, create, start, anna, bela }: Group, changes: Partial<Task> = {}): Promise<void> {
  expect(await act(anna, create(changes))).toBe('ok');
  expect(await act(bela, taskAssign.create({ id, to: bela.identity }))).toBe('ok');
  expect(await act(bela, start())).toBe('ok');
}

describe('LG79: a task', () => {
  test('E01, E02, C13–C16, F03: goes from pending to completed, is paid once, and leaves nothing behind', async () => {
    const group = await openGroup();
    const { act, start, create, status, free, read, anna, bela } = group;
    expect(await act(anna, create({ description: 'All of it.' }))).toBe('ok');
    expect([status(), free(anna, 'industrial'), read(SUPPLY, 'industrial')?.escrow]).toEqual(['pending', 600n, 400n]);
    expect(await act(bela, taskAssign.create({ id, to: bela.identity }))).toBe('ok');
    expect(status()).toBe('assigned');
    expect(await act(bela, start())).toBe('ok');
    expect(status()).toBe('in_progress');
    expect(await act(anna, taskComplete.create({ id, result: cidOf('translation') }))).toBe('ok');
    expect([free(anna, 'industrial'), free(bela, 'industrial')]).toEqual([600n, 1_400n]);
    expect(await act(anna, taskComplete.create({ id }))).toBe('wrong_state');
    expect([read(TASK, id), read(OPEN_ITEMS, anna.identity)]).toEqual([undefined, undefined]);
    expect(read(SUPPLY, 'industrial')?.escrow).toBe(0n);
  });

  test('has one of each id at a time, a deadline within a year, and a reward that is there', async () => {
    const { act, create, world, anna, bela } = await openGroup();
    expect(await act(anna, create({ deadline: world.time }))).toBe('expired');
    expect(await act(anna, create({ deadline: world.time + 367 * DAY }))).toBe('policy_violation');
    expect(await act(anna, create({ reward: { asset: 'consumer', amount: BEGINNING + 1n } }))).toBe(
      'insufficient_funds',
    );
    expect(await act(anna, create({ reward: { asset: 'consumer', amount: 0n } }))).toBe('amount_overflow');
    expect(await act(anna, create())).toBe('ok');
    expect(await act(bela, create())).toBe('wrong_state');
  });

  test('J02–J05: has bounds, in characters of any language', async () => {
    const { act, create, anna } = await openGroup();
    const texts = { id: '𝛼'.repeat(256), title: 'é'.repeat(256), description: 'x'.repeat(4_096) };
    expect(await act(anna, create(texts))).toBe('ok');
    for (const wrong of [{ id: 'x'.repeat(257) }, { title: 'x'.repeat(257) }, { description: 'x'.repeat(4_097) }]) {
      expect(() => create(wrong)).toThrow();
    }
    expect(() => create({ id: '' })).toThrow();
    expect(await act(anna, taskFail.create({ id: texts.id, error: 'x'.repeat(1_024) }))).toBe('ok');
    expect(() => taskFail.create({ id, error: 'x'.repeat(1_025) })).toThrow();
  });

  test('LG78: a member has at most 32 of them open', async () => {
    const { act, create, anna } = await openGroup();
    const reward = { asset: 'consumer', amount: 1n } as const;
    const many = Array.from({ length: 32 }, (_, at) => create({ id: `task ${at}`, reward }));
    expect(await act(anna, many)).toBe('ok');
    expect(await act(anna, create({ reward }))).toBe('account_limit');
    expect(await act(anna, [taskFail.create({ id: 'task 7' }), create({ reward })])).toBe('ok');
  });

  test('needs no tokens where nothing is paid, and is completed by whoever did it', async () => {
    const group = await openGroup(null);
    const { act, create, anna, bela } = group;
    await startTask(group);
    expect(await act(bela, taskComplete.create({ id }))).toBe('ok');
    expect(await act(anna, create({ reward: { asset: 'consumer', amount: 1n } }))).toBe('no_tokens');
  });
});

describe('LG80: who may do what', () => {
  test('C14: its creator and admins assign it, and others take it while it is open', async () => {
    const { act, start, create, read, admin, anna, bela, cora } = await openGroup();
    const assign = (to: { identity: typeof anna.identity }) => taskAssign.create({ id, to: to.identity });
    await act(anna, create({ open: false }));
    expect(await act(bela, assign(bela))).toBe('not_permitted');
    expect(await act(admin, assign(bela))).toBe('ok');
    expect(await act(anna, assign(cora))).toBe('ok');
    expect(read(TASK, id)?.assignee).toBe(cora.identity);
    expect(await act(bela, start())).toBe('not_permitted');
    await act(admin, memberRemove.create({ identity: bela.identity }));
    expect(await act(anna, assign(bela))).toBe('no_such_member');
    expect(await act(cora, start())).toBe('ok');
    expect(await act(anna, assign(anna))).toBe('wrong_state');
    expect(await act(anna, taskAssign.create({ id: 'another', to: anna.identity }))).toBe('wrong_state');
  });

  test('of two who take an open task, the first in order has it', async () => {
    const { act, create, anna, bela, cora } = await openGroup();
    await act(anna, create());
    expect(await act(cora, taskAssign.create({ id, to: bela.identity }))).toBe('not_permitted');
    expect(await act(bela, taskAssign.create({ id, to: bela.identity }))).toBe('ok');
    expect(await act(cora, taskAssign.create({ id, to: cora.identity }))).toBe('wrong_state');
  });

  test('nobody begins another task of the id than the one they saw', async () => {
    const { act, start, create, anna, bela } = await openGroup();
    await act(anna, create());
    const seen = start();
    await act(anna, [taskFail.create({ id }), create({ reward: { asset: 'consumer', amount: 1n } })]);
    expect(await act(bela, [taskAssign.create({ id, to: bela.identity }), seen])).toBe('wrong_state');
    expect(await act(bela, [taskAssign.create({ id, to: bela.identity }), start()])).toBe('ok');
  });

  test('C16: nobody accepts what they did themselves for pay, an admin neither', async () => {
    const group = await openGroup();
    const { act, admin, bela, cora, free } = group;
    await startTask(group);
    expect(await act(bela, taskComplete.create({ id }))).toBe('not_permitted');
    expect(await act(cora, taskComplete.create({ id }))).toBe('not_permitted');
    await act(admin, memberRole.create({ identity: bela.identity, role: 'admin' }));
    expect(await act(bela, taskComplete.create({ id }))).toBe('not_permitted');
    expect(await act(admin, taskComplete.create({ id }))).toBe('ok');
    expect(free(bela, 'industrial')).toBe(1_400n);
  });
});

describe('LG81: a task that fails', () => {
  test('C17: gives its reward back: given up by whoever does it, or taken back before it is started', async () => {
    const group = await openGroup();
    const { act, start, create, anna, bela, cora, free } = group;
    await startTask(group);
    expect(await act(anna, taskFail.create({ id }))).toBe('too_early');
    expect(await act(cora, taskFail.create({ id }))).toBe('not_permitted');
    expect(await act(bela, taskFail.create({ id, error: 'no dictionary' }))).toBe('ok');
    expect(free(anna, 'industrial')).toBe(BEGINNING);
    await act(anna, create());
    await act(bela, taskAssign.create({ id, to: bela.identity }));
    expect(await act(anna, taskFail.create({ id }))).toBe('ok');
    expect(await act(bela, start())).toBe('wrong_state');
    expect(free(anna, 'industrial')).toBe(BEGINNING);
  });

  test('an admin who did not ask for it ends one that is in progress', async () => {
    const group = await openGroup();
    await startTask(group);
    expect(await group.act(group.admin, taskFail.create({ id }))).toBe('ok');
    expect(group.free(group.anna, 'industrial')).toBe(BEGINNING);
  });

  test('after its deadline anyone ends it, and nobody begins it', async () => {
    const { act, start, create, anna, bela, cora, free } = await openGroup();
    await act(anna, create());
    await act(anna, taskAssign.create({ id, to: bela.identity }));
    expect(await act(bela, start(), 10)).toBe('expired');
    expect(await act(bela, taskAssign.create({ id, to: bela.identity }))).toBe('wrong_state');
    expect(await act(anna, taskAssign.create({ id, to: bela.identity }))).toBe('expired');
    expect(await act(cora, taskFail.create({ id }))).toBe('ok');
    expect(free(anna, 'industrial')).toBe(BEGINNING);
  });

  test('gives back to a creator who was removed, or has all it may have', async () => {
    const { act, create, admin, anna, cora, free } = await openGroup({ maxAccountBalance: BEGINNING });
    await act(anna, create());
    await act(admin, policyUpdate.create({ maxAccountBalance: 1n }));
    await act(admin, memberRemove.create({ identity: anna.identity }));
    expect(await act(cora, taskFail.create({ id }), 10)).toBe('ok');
    expect(free(anna, 'industrial')).toBe(BEGINNING);
  });
});

describe('LG82: rewards by policy', () => {
  test('E03, F03: are minted when the task is completed, and only admins promise them', async () => {
    const { act, start, create, admin, anna, bela, free, read } = await openGroup({
      taskRewards: 'mint',
      transferFeeBps: 100,
    });
    expect(await act(anna, create())).toBe('not_permitted');
    expect(await act(admin, create())).toBe('ok');
    const minted = read(SUPPLY, 'industrial')?.minted ?? 0n;
    await act(bela, [taskAssign.create({ id, to: bela.identity }), start()]);
    expect(await act(admin, taskComplete.create({ id }))).toBe('ok');
    expect([free(bela, 'industrial'), read(SUPPLY, 'industrial')?.minted]).toEqual([1_400n, minted + 400n]);
    await act(admin, create());
    expect(await act(admin, taskFail.create({ id }))).toBe('ok');
    expect(read(SUPPLY, 'industrial')).toMatchObject({ minted: minted + 400n, escrow: 0n });
  });

  test('F05: wait while the supply has no room for them', async () => {
    const { act, start, create, admin, bela } = await openGroup({
      taskRewards: 'mint',
      maxTotalSupply: 3n * BEGINNING,
    });
    await act(admin, create());
    await act(bela, [taskAssign.create({ id, to: bela.identity }), start()]);
    expect(await act(admin, taskComplete.create({ id }))).toBe('supply_cap');
  });
});

test('LG84, F04: the group has its part of a reward out of escrow', async () => {
  const group = await openGroup({ transferFeeBps: 250 });
  await startTask(group);
  expect(await group.act(group.anna, taskComplete.create({ id }))).toBe('ok');
  expect(group.free(group.bela, 'industrial')).toBe(1_390n);
  expect(group.read(TREASURY, 'industrial')?.balance).toBe(10n);
});
