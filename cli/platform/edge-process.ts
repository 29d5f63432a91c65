// The local edge as a process of its own: miniflare told by the first message, gone when its parent is.

import { spawn, type ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Log, LogLevel, Miniflare } from 'miniflare';
import { serveParent } from './child-process.ts';
import { edgeOptions, readEdgeConfig, type LocalEdge } from './edge-config.ts';

await serveParent<LocalEdge>(async (local) => {
  watchWorkerd();
  const config = readEdgeConfig(await readFile(join(local.root, 'wrangler.toml'), 'utf8'));
  const options = { ...edgeOptions(config, local), log: new Log(LogLevel.WARN) };
  const edge = new Miniflare(options);
  const url = await edge.ready;
  return {
    ready: { port: Number(url.port) },
    reload: () => edge.setOptions(options),
    stop: () => edge.dispose(),
  };
});

/** Tells the watchdog about every process that miniflare starts. */
function watchWorkerd(): void {
  const script = fileURLToPath(new URL('workerd-watchdog.mjs', import.meta.url));
  const watchdog = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  watchdog.unref();
  // It died before us: then nothing is left to tell.
  watchdog.stdin.on('error', () => undefined);
  if ('unref' in watchdog.stdin && typeof watchdog.stdin.unref === 'function') watchdog.stdin.unref();
  subscribe('child_process', (message) => {
    const { process: child } = message as { process: ChildProcess };
    child.once('spawn', () => watchdog.stdin.write(`+${child.pid}\n`));
    child.once('exit', () => watchdog.stdin.write(`-${child.pid}\n`));
  });
}
