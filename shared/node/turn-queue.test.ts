// Inputs and work take turns: what follows from one comes before what came meanwhile, and a closed queue leaves nobody waiting.

import { describe, expect, test } from 'vitest';
import { TurnQueue } from './turn-queue.ts';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function createQueue(follow: (input: string) => readonly string[] = () => []) {
  const done: string[] = [];
  const failures: unknown[] = [];
  const queue: TurnQueue<string> = new TurnQueue({
    step: async (input) => {
      await tick();
      if (input === 'fail') throw new Error('the disk failed');
      done.push(input);
      return follow(input);
    },
    onFailed: (error) => {
      failures.push(error);
      queue.close();
    },
  });
  return { queue, done, failures };
}

describe('turns', () => {
  test('what follows from an input comes before what was there already', async () => {
    const { queue, done } = createQueue((input) => (input === 'a' ? ['a1', 'a2'] : []));
    queue.push('a');
    queue.push('b');
    await queue.settled;
    expect(done).toEqual(['a', 'a1', 'a2', 'b']);
    expect(queue.length).toBe(0);
  });

  test('work waits for its turn, and its inputs come next; that it failed is for whoever asked for it', async () => {
    const { queue, done } = createQueue();
    queue.push('a');
    const worked = queue.run(async () => {
      done.push('work');
      return { value: 7, inputs: ['w'] };
    });
    const failed = queue.run(() => Promise.reject(new Error('no')));
    queue.push('b');
    expect(await worked).toBe(7);
    await expect(failed).rejects.toThrow('no');
    await queue.settled;
    expect(done).toEqual(['a', 'work', 'w', 'b']);
  });

  test('a step that fails ends it, and nobody waits for ever', async () => {
    const { queue, done, failures } = createQueue();
    queue.push('fail');
    queue.push('never');
    const never = queue.run(async () => ({ value: 1, inputs: [] }));
    expect(await never).toBeUndefined();
    expect(failures.length).toBe(1);
    expect(done).toEqual([]);
    expect(await queue.run(async () => ({ value: 1, inputs: [] }))).toBeUndefined();
    queue.push('late');
    expect(queue.length).toBe(0);
  });
});
