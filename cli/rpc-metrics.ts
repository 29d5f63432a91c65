// What a node counts, as Prometheus reads it (docs/protocol/working-set.md).

import type { RpcNode } from '../shared/rpc/rpc-node.ts';

/** Every counter that is not one is a figure of now. */
const GAUGES: ReadonlySet<string> = new Set(['mempool_size']);

export async function renderMetrics(node: RpcNode): Promise<string> {
  const chain = await node.chainOf(node.commons);
  const read = chain.ok ? await chain.value.metrics() : chain;
  if (!read.ok) return '';
  const { height, ordering, counts, rejected } = read.value;
  const lines = [
    ...describe('weft_height', 'gauge', height),
    ...describe('weft_ordering', 'gauge', ordering ? 1 : 0),
    ...Object.entries(counts).flatMap(([name, count]) => describe(name, GAUGES.has(name) ? 'gauge' : 'counter', count)),
    '# TYPE tx_rejected_total counter',
    ...Object.entries(rejected).map(([reason, count]) => `tx_rejected_total{reason="${reason}"} ${count}`),
  ];
  return `${lines.join('\n')}\n`;
}

function describe(name: string, type: 'gauge' | 'counter', value: number): string[] {
  return [`# TYPE ${name} ${type}`, `${name} ${value}`];
}
