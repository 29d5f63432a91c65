// The editor of a page's text: CodeMirror in a shadow root, where the page's policy lets it have its styles.

import { history, historyKeymap, standardKeymap } from '@codemirror/commands';
import { Annotation, EditorState, Transaction, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { effect } from '@preact/signals';
import type { PageSession } from './page-session.ts';
import { remoteCursors, setCursors } from './remote-cursors.ts';

/** Changes of others: not to be sent again, and not to be undone here. */
const foreign = Annotation.define<boolean>();

const look: Extension = EditorView.theme({
  '&': { color: 'var(--ink)', fontSize: 'var(--step-0)' },
  '&.cm-focused': { outline: 'none' },
  // Room above the first line for the name at a cursor in it.
  '.cm-content': { padding: '1.5rem 0.9rem 0.9rem', minHeight: '16rem', caretColor: 'var(--ink)' },
  '.cm-scroller': { fontFamily: 'var(--sans)', lineHeight: '1.65' },
  '.cm-line': { padding: '0' },
  '.cm-placeholder': { color: 'var(--ink-soft)' },
});

/** Draws the text into the element and keeps it and the session alike; the returned function takes it out again. */
export function mountEditor(host: HTMLElement, session: PageSession): () => void {
  // CodeMirror puts its styles into a <style>, which the page refuses, unless it finds a root that adopts style sheets.
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open', delegatesFocus: true });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: session.text,
      extensions: [
        EditorState.lineSeparator.of('\n'),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'Text of the page', spellcheck: 'true' }),
        placeholder('Write here. Everyone in the group sees it as you type.'),
        history(),
        keymap.of([...standardKeymap, ...historyKeymap]),
        remoteCursors,
        look,
        EditorView.updateListener.of((update) => {
          for (const one of update.transactions) {
            if (one.docChanged && one.annotation(foreign) !== true) session.edit(one.changes);
          }
          if (!update.selectionSet && !update.docChanged && !update.focusChanged) return;
          const { anchor, head } = update.state.selection.main;
          session.setCursor(update.view.hasFocus ? { anchor, head } : null);
        }),
      ],
    }),
  });
  session.attach((changes) =>
    view.dispatch({ changes, annotations: [foreign.of(true), Transaction.addToHistory.of(false)] }),
  );
  const stop = effect(() => {
    const { present } = session.state.value;
    view.dispatch({ effects: setCursors.of(present) });
  });
  return () => {
    stop();
    session.attach(() => undefined);
    view.destroy();
  };
}
