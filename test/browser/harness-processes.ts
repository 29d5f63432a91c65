// Processes by id, as Linux lists them: who is running, who started whom, and ending a tree without touching others.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL = 50;
/** A stopping node flushes its store; after this it is not stopping any more. */
const STOP_TIME_MAX = 15_000;

type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGKILL';

/** Ids of the processes whose command line (program and arguments) the caller recognises, oldest first. */
export function findProcesses(matches: (command: readonly string[]) => boolean): number[] {
  return listIds().filter((pid) => matches(readProcess(pid, 'cmdline').split('\0').filter(Boolean)));
}

/** Sends the signal, waits until the process and all it had started are gone, and kills what outlives the time. */
export async function killTree(pid: number, signal: StopSignal): Promise<void> {
  const tree = [pid, ...listDescendants(pid)];
  send(pid, signal);
  // An orphaned workerd would keep its port and its files.
  if (signal === 'SIGKILL') for (const id of tree) send(id, signal);
  for (let waited = 0; tree.some(isAlive) && waited < STOP_TIME_MAX; waited += POLL) await sleep(POLL);
  for (const id of tree) if (isAlive(id)) send(id, 'SIGKILL');
  while (tree.some(isAlive)) await sleep(POLL);
}

/** As a computer that sleeps: nothing of the tree runs until it is resumed, and its connections stay open. */
export function pauseTree(pid: number): void {
  for (const id of [pid, ...listDescendants(pid)]) send(id, 'SIGSTOP');
}

export function resumeTree(pid: number): void {
  for (const id of [pid, ...listDescendants(pid)]) send(id, 'SIGCONT');
}

/** A zombie is gone for our purposes: it holds no file and no port. */
export function isAlive(pid: number): boolean {
  const state = /\) (\w)/.exec(readProcess(pid, 'stat'))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Signals at once, for the end of this process, when nothing can be awaited. */
export function killTreeNow(pid: number): void {
  for (const id of [pid, ...listDescendants(pid)]) send(id, 'SIGKILL');
}

function listDescendants(pid: number): number[] {
  const parents = new Map(listIds().map((id) => [id, Number(/\) \w (\d+)/.exec(readProcess(id, 'stat'))?.[1] ?? 0)]));
  const found = new Set([pid]);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [id, parent] of parents) if (found.has(parent)) found.add(id);
  }
  found.delete(pid);
  return [...found];
}

function listIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function readProcess(pid: number, file: 'cmdline' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function send(pid: number, signal: StopSignal | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in between.
  }
}
