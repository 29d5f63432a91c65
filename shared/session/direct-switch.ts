// Whether this node makes direct links at all (DL8): one switch for all of its groups.

export const DIRECT_MODES = ['members', 'off'] as const;

/** `members`: with every device that may have one; `off`: with none. */
export type DirectMode = (typeof DIRECT_MODES)[number];

export class DirectSwitch {
  readonly #listeners = new Set<(mode: DirectMode) => void>();
  #mode: DirectMode;

  constructor(mode: DirectMode = 'members') {
    this.#mode = mode;
  }

  get mode(): DirectMode {
    return this.#mode;
  }

  set(mode: DirectMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    for (const listener of this.#listeners) listener(mode);
  }

  /** Every later change, until the returned function is called. */
  follow(listener: (mode: DirectMode) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
