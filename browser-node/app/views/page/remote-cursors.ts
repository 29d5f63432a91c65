// Where others are in the text: a caret with the name of whoever it is, and what they have selected.

import { StateEffect, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view';
import type { Presence } from '../../../group-api.ts';
import { dyeOf, nameOf, readCursor } from './present.ts';

/** Everyone who is in the page now; who is missing has left it. */
export const setCursors = StateEffect.define<readonly Presence[]>();

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(cursors, transaction) {
    const told = transaction.effects.findLast((one) => one.is(setCursors));
    // Until they tell where they are now, they move along with the text around them.
    return told === undefined ? cursors.map(transaction.changes) : drawCursors(told.value, transaction.newDoc.length);
  },
  provide: (from) => EditorView.decorations.from(from),
});

const look = EditorView.baseTheme({
  '.weft-caret': {
    position: 'relative',
    marginInline: '-1px',
    borderInlineStart: '2px solid var(--who)',
    pointerEvents: 'none',
  },
  '.weft-caret::after': {
    content: 'attr(data-name)',
    position: 'absolute',
    insetInlineStart: '-2px',
    bottom: '100%',
    maxWidth: '9rem',
    overflow: 'hidden',
    padding: '0 0.4em',
    borderRadius: '0.3em 0.3em 0.3em 0',
    background: 'var(--who)',
    color: 'var(--on-dye)',
    fontSize: '0.6875rem',
    fontWeight: '600',
    lineHeight: '1.5',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
  },
  '.weft-picked': { background: 'color-mix(in srgb, var(--who) 25%, transparent)' },
  ...Object.fromEntries([1, 2, 3, 4, 5].map((dye) => [`.weft-dye-${dye}`, { '--who': `var(--dye-${dye})` }])),
});

export const remoteCursors: Extension = [field, look];

function drawCursors(present: readonly Presence[], length: number): DecorationSet {
  const drawn: Range<Decoration>[] = [];
  for (const one of present) {
    const cursor = readCursor(one.state, length);
    if (cursor === null) continue;
    const { anchor, head } = cursor;
    const dye = `weft-dye-${dyeOf(one.identity)}`;
    if (anchor !== head) {
      const picked = Decoration.mark({ class: `weft-picked ${dye}` });
      drawn.push(picked.range(Math.min(anchor, head), Math.max(anchor, head)));
    }
    drawn.push(Decoration.widget({ widget: new CaretWidget(nameOf(one), dye), side: 1 }).range(head));
  }
  return Decoration.set(drawn, true);
}

class CaretWidget extends WidgetType {
  readonly #name: string;
  readonly #dye: string;

  constructor(name: string, dye: string) {
    super();
    this.#name = name;
    this.#dye = dye;
  }

  override eq(other: CaretWidget): boolean {
    return other.#name === this.#name && other.#dye === this.#dye;
  }

  override toDOM(): HTMLElement {
    return drawCaret(this.#name, this.#dye);
  }
}

/** For the eye; who is here is told in words above the text. */
function drawCaret(name: string, dye: string): HTMLElement {
  const caret = document.createElement('span');
  caret.className = `weft-caret ${dye}`;
  caret.setAttribute('aria-hidden', 'true');
  // Not as text, or it would stand in the page's own words.
  caret.dataset['name'] = name;
  return caret;
}
