// Messages through our relay room against a bare hibernating Durable Object: same sizes, same driver, in turns in one run.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { encodeSend, parseRelayFrame, type PeerId } from '../shared/session/relay-wire.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { clientFrame, openRawSocket, type RawSocket } from './raw-socket.ts';

/** Bytes of a message on the wire, the room's header included: a signal, and a page of a blob. */
const SIZES = [200, 4_096] as const;
/** Messages under way: enough to keep every process busy, few enough not to measure a queue. */
const WINDOW = 256;
/** Our room must forward at least this part of what the bare object does. */
const TARGET = 0.8;
const SEND_HEADER_BYTES = 5;
type Side = 'ours' | 'bare';
const SIDES: readonly Side[] = ['ours', 'bare'];
type Pair = {
  readonly sender: RawSocket;
  readonly receiver: RawSocket;
  messageOf(size: number): Buffer;
  close(): void;
};

export type RelayBenchOptions = { readonly rounds?: number; readonly messages?: number };

export async function run({ rounds = 25, messages = 8_000 }: RelayBenchOptions = {}): Promise<BenchLine[]> {
  const place = await mkdtemp(join(tmpdir(), 'relay-bench-'));
  try {
    const edge = await startEdge(place);
    try {
      const port = Number((await edge.ready).port);
      const lines: BenchLine[] = [];
      for (const size of SIZES) lines.push(...(await compare({ port, size, rounds, messages })));
      return lines;
    } finally {
      await edge.dispose();
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function compare(setting: {
  port: number;
  size: number;
  rounds: number;
  messages: number;
}): Promise<BenchLine[]> {
  const { port, size, rounds, messages } = setting;
  const rates: Record<Side, number[]> = { ours: [], bare: [] };
  /** The 99th percentile of each round: one round that the machine spoils does not decide. */
  const delays: Record<Side, number[]> = { ours: [], bare: [] };
  for (let round = 0; round <= rounds; round++) {
    const pairs: Record<Side, Pair> = {
      ours: await openPair(port, `/ours/${size}-${round}`, 'ours'),
      bare: await openPair(port, `/bare/${size}-${round}`, 'bare'),
    };
    // Whoever goes second finds a warmer machine, so the order changes; the first round warms both up.
    for (const side of round % 2 === 0 ? SIDES : SIDES.toReversed()) {
      const rate = await measureRate(pairs[side], pairs[side].messageOf(size), messages);
      if (round > 0) rates[side].push(rate);
    }
    const measured = await measureDelays(pairs, size, Math.ceil(messages / 5));
    for (const side of SIDES) {
      if (round > 0) delays[side].push(percentile99(measured[side]));
      pairs[side].close();
    }
  }
  const common = { bench: 'relay', peerName: 'bare hibernating Durable Object', target: TARGET };
  return [
    lineOf({
      ...common,
      metric: `messages of ${size} B`,
      unit: '1/s',
      ours: median(rates.ours),
      peer: median(rates.bare),
      better: 'more',
    }),
    lineOf({
      ...common,
      metric: `p99 of ${size} B`,
      unit: 'ms',
      ours: median(delays.ours),
      peer: median(delays.bare),
      better: 'less',
    }),
  ];
}

/** Messages a second with a full window. */
function measureRate({ sender, receiver }: Pair, message: Buffer, count: number): Promise<number> {
  const batch = Buffer.concat(Array.from({ length: WINDOW / 2 }, () => message));
  const total = Math.floor(count / (WINDOW / 2)) * (WINDOW / 2);
  return new Promise((resolve) => {
    let arrived = 0;
    let sent = 0;
    const started = performance.now();
    const fill = (): void => {
      while (sent < total && sent - arrived <= WINDOW / 2) {
        sender.write(batch);
        sent += WINDOW / 2;
      }
    };
    receiver.onFrame = () => {
      arrived += 1;
      if (arrived === total) resolve(total / ((performance.now() - started) / 1_000));
      else fill();
    };
    fill();
  });
}

/**
 * Times from sender to receiver, ms, one message under way at a time. The sides take turns message by message, so that
 * whatever else the machine does meets both alike.
 */
async function measureDelays(pairs: Record<Side, Pair>, size: number, count: number): Promise<Record<Side, number[]>> {
  const delays: Record<Side, number[]> = { ours: [], bare: [] };
  const messages: Record<Side, Buffer> = { ours: pairs.ours.messageOf(size), bare: pairs.bare.messageOf(size) };
  for (let i = 0; i < count; i++) {
    for (const side of SIDES) delays[side].push(await measureDelay(pairs[side], messages[side]));
  }
  return delays;
}

function measureDelay({ sender, receiver }: Pair, message: Buffer): Promise<number> {
  return new Promise((resolve) => {
    const started = performance.now();
    receiver.onFrame = () => resolve(performance.now() - started);
    sender.write(message);
  });
}

function percentile99(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)]!;
}

async function openPair(port: number, path: string, side: Side): Promise<Pair> {
  const receiver = await openRawSocket({ port, path });
  const to = side === 'ours' ? await readWelcome(receiver) : null;
  const sender = await openRawSocket({ port, path });
  if (side === 'ours') await readWelcome(sender);
  return {
    sender,
    receiver,
    messageOf: (size) =>
      clientFrame(
        to === null ? new Uint8Array(size).fill(7) : encodeSend(to, new Uint8Array(size - SEND_HEADER_BYTES).fill(7)),
      ),
    close() {
      sender.close();
      receiver.close();
    },
  };
}

function readWelcome(socket: RawSocket): Promise<PeerId> {
  return new Promise((resolve, reject) => {
    socket.onFrame = (payload) => {
      const frame = parseRelayFrame(payload);
      if (frame.ok && frame.value.type === 'welcome') resolve(frame.value.you);
      else reject(new Error('the room did not say welcome'));
    };
  });
}

async function startEdge(place: string): Promise<Miniflare> {
  await build({
    entryPoints: [fileURLToPath(new URL('relay-bare.ts', import.meta.url))],
    outfile: join(place, 'worker.js'),
    bundle: true,
    format: 'esm',
    minify: true,
    target: 'es2024',
    external: ['cloudflare:*'],
  });
  return new Miniflare({
    cf: false,
    host: '127.0.0.1',
    port: 0,
    modules: true,
    modulesRoot: place,
    scriptPath: join(place, 'worker.js'),
    compatibilityDate: '2026-06-01',
    durableObjects: { ROOM: { className: 'Room', useSQLite: true }, BARE: { className: 'Bare', useSQLite: true } },
  });
}
