// Yjs as a page would use it: one document over y-websocket.

import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';

const doc = new Y.Doc();
const text = doc.getText('text');

globalThis.peer = {
  start(server) {
    // Between tabs of one profile it would take a shortcut.
    const provider = new WebsocketProvider(server, 'page', doc, { disableBc: true });
    return new Promise((resolve) => provider.once('sync', resolve));
  },
  create: () => 'page',
  open: () => undefined,
  onChange(listener) {
    text.observe(() => listener(text.length));
  },
  edit() {
    text.insert(text.length, 'x');
  },
};
