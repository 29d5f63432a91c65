// Parts of a run as processes of their own, so that each can die alone: told once what to do, stopped by a word,
// by a signal, or by the death of the parent.

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { messageOf } from '../../shared/core/message-of.ts';

/** How long a part may take to stop by itself; then it is killed (stores survive that). */
const STOP_WAIT = 5_000;

type ParentToChild<Task> = { readonly start: Task } | { readonly reload: true } | { readonly stop: true };
type ChildToParent<Ready> = { readonly ready: Ready } | { readonly failed: string };

export type ChildPart<Ready> = {
  readonly pid: number;
  readonly ready: Ready;
  /** Resolves when the process has ended, however that came. */
  readonly ended: Promise<{ because: string }>;
  reload(): void;
  stop(): Promise<void>;
};

/**
 * Starts `script` and gives it `task`; resolves when it is ready.
 * Its output goes to our standard error: standard output belongs to what people and scripts read.
 */
export async function startChild<Task, Ready>(script: string, task: Task): Promise<ChildPart<Ready>> {
  const child = fork(script, [], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
  const ended = once(child, 'exit').then(([code, signal]: (number | string | null)[]) => ({
    because: signal === null ? `status ${code}` : `signal ${signal}`,
  }));
  const ready = await firstAnswer<Task, Ready>(child, { task, ended });
  return {
    pid: child.pid!,
    ready,
    ended,
    reload: () => tell<Task>(child, { reload: true }),
    stop: async () => {
      tell<Task>(child, { stop: true });
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WAIT);
      await ended;
      clearTimeout(kill);
    },
  };
}

async function firstAnswer<Task, Ready>(
  child: ChildProcess,
  { task, ended }: { task: Task; ended: Promise<{ because: string }> },
): Promise<Ready> {
  const answer = once(child, 'message') as Promise<[ChildToParent<Ready>]>;
  tell<Task>(child, { start: task });
  const outcome = await Promise.race([answer, ended]);
  if ('because' in outcome) throw new Error(`it ended with ${outcome.because} before it was ready`);
  const [message] = outcome;
  if ('ready' in message) return message.ready;
  await ended;
  throw new Error(message.failed);
}

function tell<Task>(child: ChildProcess, message: ParentToChild<Task>): void {
  // A part that is gone needs no word.
  if (child.connected) child.send(message, () => undefined);
}

/** What a part is while it runs. */
export type RunningPart<Ready> = {
  readonly ready: Ready;
  reload?(): Promise<unknown>;
  stop(): Promise<unknown>;
};

/** The other side, inside the child: runs `start` with the parent's task until it is told to stop. */
export async function serveParent<Task>(start: (task: Task) => Promise<RunningPart<unknown>>): Promise<void> {
  let part: RunningPart<unknown> | undefined;
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    // However long a store or workerd takes to close, nobody waits longer than the parent would.
    setTimeout(() => process.exit(1), STOP_WAIT).unref();
    await part?.stop();
    process.exit(0);
  };
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(event, () => void stop());
  const [first] = (await once(process, 'message')) as [ParentToChild<Task>];
  if (!('start' in first)) return await stop();
  process.on('message', (message: ParentToChild<Task>) => {
    if ('stop' in message) void stop();
    if ('reload' in message) void part?.reload?.();
  });
  try {
    part = await start(first.start);
    if (!stopping) process.send?.({ ready: part.ready });
    else await part.stop();
  } catch (error) {
    const failed = messageOf(error);
    process.send?.({ failed }, undefined, undefined, () => process.exit(1));
  }
}
