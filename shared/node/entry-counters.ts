// What became of entries at the door of the working set, counted: the names are those that operators know (T11; docs/protocol/working-set.md).

/** Counters stop here instead of losing their last digits. */
const COUNT_MAX: number = Number.MAX_SAFE_INTEGER;

const NAMES = [
  'evictions_total',
  'fee_floor_reject_total',
  'dup_tx_reject_total',
  'ttl_drop_total',
  'startup_ttl_drop_total',
  'lock_poison_total',
  'orphan_sweep_total',
  'invalid_selector_reject_total',
  'balance_overflow_reject_total',
  'drop_not_found_total',
] as const;
export type CounterName = (typeof NAMES)[number];

/** `rejected`: by the stable code of the reason. */
export type EntryCounts = Readonly<Record<CounterName, number>> & {
  readonly rejected: Readonly<Record<string, number>>;
};

/** Reasons that have a counter of their own beside `tx_rejected_total`. */
const NAMED_REASONS: Readonly<Record<string, CounterName>> = {
  fee_below_floor: 'fee_floor_reject_total',
  already_known: 'dup_tx_reject_total',
  invalid_fee_selector: 'invalid_selector_reject_total',
  amount_overflow: 'balance_overflow_reject_total',
  account_limit: 'balance_overflow_reject_total',
};

export class EntryCounters {
  readonly #counts = new Map<CounterName, number>();
  readonly #rejected = new Map<string, number>();

  add(name: CounterName, more = 1): void {
    increase(this.#counts, name, more);
  }

  reject(code: string): void {
    increase(this.#rejected, code, 1);
    const name = NAMED_REASONS[code];
    if (name) this.add(name);
  }

  read(): EntryCounts {
    const counts = Object.fromEntries(NAMES.map((name) => [name, this.#counts.get(name) ?? 0]));
    return { ...(counts as Record<CounterName, number>), rejected: Object.fromEntries(this.#rejected) };
  }
}

function increase<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, Math.min((counts.get(key) ?? 0) + more, COUNT_MAX));
}
