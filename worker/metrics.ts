// Counters of one isolate in Prometheus text; an edge has many isolates, so sums are made where they are scraped.

const HELP_BY_NAME = {
  weft_edge_requests_total: 'Requests answered, by status.',
  weft_edge_resolutions_total: 'Records served to visitors, by where they came from.',
  weft_edge_blocks_total: 'Content blocks served to visitors, by where they came from.',
  weft_edge_block_bytes_total: 'Bytes of those blocks.',
  weft_edge_rejected_total: 'What came from a peer or a cache and failed verification, by kind.',
} as const;

export type CounterName = keyof typeof HELP_BY_NAME;

export type EdgeMetrics = {
  add(name: CounterName, labels: Readonly<Record<string, string | number>>, amount?: number): void;
  render(gauges: Readonly<Record<string, number>>): string;
};

export function createEdgeMetrics(): EdgeMetrics {
  const samplesByName = new Map<CounterName, Map<string, number>>();
  return {
    add(name, labels, amount = 1) {
      const samples = samplesByName.get(name) ?? new Map<string, number>();
      samplesByName.set(name, samples);
      const key = Object.entries(labels)
        .map(([label, value]) => `${label}="${value}"`)
        .join(',');
      samples.set(key, (samples.get(key) ?? 0) + amount);
    },
    render(gauges) {
      const lines: string[] = [];
      for (const [name, samples] of samplesByName) {
        lines.push(`# HELP ${name} ${HELP_BY_NAME[name]}`, `# TYPE ${name} counter`);
        for (const [labels, value] of samples) lines.push(`${name}{${labels}} ${value}`);
      }
      for (const [name, value] of Object.entries(gauges)) lines.push(`# TYPE ${name} gauge`, `${name} ${value}`);
      return `${lines.join('\n')}\n`;
    },
  };
}
