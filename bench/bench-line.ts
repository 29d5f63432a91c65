// What every benchmark reports: ours and the peer's, measured in turns in one run.

export type BenchLine = {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  /** How many times better than the peer: above 1 is ahead. */
  readonly ratio: number;
  readonly target: number;
  readonly ok: boolean;
};

type Measured = Omit<BenchLine, 'ratio' | 'ok'> & { readonly better: 'more' | 'less' };

/** The ratio points the same way whether more or less is better. */
export function lineOf({ better, ...measured }: Measured): BenchLine {
  const { ours, peer, target } = measured;
  const ratio = round(better === 'more' ? ours / peer : peer / ours);
  return { ...measured, ours: round(ours), peer: round(peer), ratio, ok: ratio >= target };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Three digits tell two runs apart; more would be noise. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
