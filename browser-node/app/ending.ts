// The end of one engine, as the calls that are under way on it see it.

/**
 * Not a promise to race against: a promise that may stand for days keeps everyone who ever raced against it, with every
 * answer, however large.
 */
export class Ending {
  readonly #waiting = new Set<() => void>();
  #over = false;

  /** Calls that are under way. */
  get waiting(): number {
    return this.#waiting.size;
  }

  end(): void {
    this.#over = true;
    for (const leave of this.#waiting) leave();
    this.#waiting.clear();
  }

  /** What the work brings, or null if the end comes first. */
  outlive<T>(work: Promise<T>): Promise<{ readonly value: T } | null> {
    return new Promise((resolve, reject) => {
      const leave = (): void => resolve(null);
      if (this.#over) leave();
      else this.#waiting.add(leave);
      work.then((value) => resolve({ value }), reject).finally(() => this.#waiting.delete(leave));
    });
  }
}
