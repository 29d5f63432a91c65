// Operations ordered and applied by one and by four validators with real signatures, against bare WebCrypto with as many signatures.

import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '../shared/core/assert.ts';
import { BLOCK_INTERVAL_MIN } from '../shared/core/limits.ts';
import { ValidatorNetwork } from '../shared/node/consensus.test-kit.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { openHosts, type Hosts } from './ordering-hosts.ts';

const TARGET = 0.5;
/** Only reported. */
const NO_TARGET = 0;
/** CometBFT's own quality assurance, 200 nodes: published, not measured here, and over a real network. */
const COMETBFT_PER_SECOND = 400;
const COMETBFT_FINALITY = 4_000;
const AUTHORS = 64;
/** Of each author in a round. */
const ENTRIES = 16;
const OPERATIONS = 64;
/** Milliseconds of one message in the network that counts hops. */
const HOP = 20;
/** Entries that come alone, each after the interval between two blocks is over, in ms. */
const ISOLATED = 10;
const REST = 2 * BLOCK_INTERVAL_MIN;

export async function run({ rounds = 3 }: { rounds?: number } = {}): Promise<BenchLine[]> {
  const lines: BenchLine[] = [];
  for (const n of [1, 4]) {
    const hosts = await openHosts({ n, authors: AUTHORS });
    try {
      lines.push(...(await measureHosts(hosts, { n, rounds })));
    } finally {
      await hosts.close();
    }
  }
  lines.push(
    reported({
      metric: 'hops until final, n = 4',
      unit: 'hops',
      ours: await countHops(),
      peer: 3,
      peerName: 'Simplex as published',
    }),
  );
  return lines;
}

type Times = { readonly ours: number[]; readonly bare: number[] };

async function measureHosts(hosts: Hosts, { n, rounds }: { n: number; rounds: number }): Promise<BenchLine[]> {
  const times: Times = { ours: [], bare: [] };
  // The first round warms both up.
  for (let round = 0; round <= rounds; round++) {
    const [ours, signatures] = await timeOrdering(hosts, { entries: ENTRIES, operations: 1 });
    const bare = await timeBare(signatures);
    if (round === 0) continue;
    times.ours.push(ours);
    times.bare.push(bare);
  }
  const count = AUTHORS * ENTRIES;
  const [many] = await timeOrdering(hosts, { entries: 1, operations: OPERATIONS });
  const alone: number[] = [];
  for (let at = 0; at < ISOLATED; at++) {
    const [wire] = await hosts.write(1, 1, 1);
    assert(wire, 'one entry was written');
    await sleep(REST);
    const started = performance.now();
    await hosts.order([wire]);
    alone.push(performance.now() - started);
  }
  const inSeconds = (ms: readonly number[]): number => median(ms) / 1_000;
  return [
    lineOf({
      bench: 'ordering',
      metric: `operations, one an entry, n = ${n}`,
      unit: '1/s',
      ours: count / inSeconds(times.ours),
      peer: count / inSeconds(times.bare),
      peerName: 'bare WebCrypto, as many signatures',
      target: TARGET,
      better: 'more',
    }),
    lineOf({
      bench: 'ordering',
      metric: `operations, ${OPERATIONS} an entry, n = ${n}`,
      unit: '1/s',
      ours: (AUTHORS * OPERATIONS) / inSeconds([many]),
      peer: COMETBFT_PER_SECOND,
      peerName: 'CometBFT as published',
      target: NO_TARGET,
      better: 'more',
    }),
    reported({
      metric: `one entry until final everywhere, n = ${n}`,
      unit: 'ms',
      ours: median(alone),
      peer: COMETBFT_FINALITY,
      peerName: 'CometBFT as published',
    }),
  ];
}

function reported(line: { metric: string; unit: string; ours: number; peer: number; peerName: string }): BenchLine {
  return lineOf({ ...line, bench: 'ordering', target: NO_TARGET, better: 'less' });
}

/** Milliseconds, and signatures that were checked meanwhile. */
async function timeOrdering(
  hosts: Hosts,
  { entries, operations }: { entries: number; operations: number },
): Promise<[ms: number, signatures: number]> {
  const wires = await hosts.write(entries, operations);
  const before = hosts.verified();
  const started = performance.now();
  await hosts.order(wires);
  return [performance.now() - started, hosts.verified() - before];
}

/** All at once, by one key that is imported already. */
async function timeBare(signatures: number): Promise<number> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
  const message = new Uint8Array(300);
  const signature = await crypto.subtle.sign('Ed25519', privateKey, message);
  const started = performance.now();
  const checks = Array.from({ length: signatures }, () =>
    crypto.subtle.verify('Ed25519', publicKey, signature, message),
  );
  const verdicts = await Promise.all(checks);
  assert(verdicts.every(Boolean), 'every signature holds');
  return performance.now() - started;
}

/** From the moment when all four hold an entry, on a clock that only messages move. */
async function countHops(): Promise<number> {
  const network = new ValidatorNetwork(4, 1);
  await network.start();
  await network.submit();
  await network.untilHeight(1);
  // The interval between blocks is over by then.
  await network.clock.advance(10_000);
  const before = network.clock.now();
  await network.submit();
  await network.untilHeight(network.at(0).tip.height + 1);
  return (network.clock.now() - before) / HOP;
}
