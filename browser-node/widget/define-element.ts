// Custom elements without a class each: what starts with the element, ends with it, and begins again when an attribute changes.

export type ElementPart = {
  readonly attributes: readonly string[];
  /** Called with the element on a page; returns what ends it. May be called again for the same element. */
  readonly connect: (host: HTMLElement) => () => void;
};

/** A second copy of the script on one page changes nothing. */
export function defineElement(name: string, { attributes, connect }: ElementPart): void {
  if (customElements.get(name)) return;
  customElements.define(
    name,
    class extends HTMLElement {
      static readonly observedAttributes = attributes;
      #end: (() => void) | null = null;
      #changed = false;

      connectedCallback(): void {
        this.#end ??= connect(this);
      }

      disconnectedCallback(): void {
        this.#end?.();
        this.#end = null;
      }

      /** Several attributes that change together begin it once. */
      attributeChangedCallback(): void {
        if (!this.#end || this.#changed) return;
        this.#changed = true;
        queueMicrotask(() => {
          this.#changed = false;
          if (!this.#end) return;
          this.#end();
          this.#end = connect(this);
        });
      }
    },
  );
}
