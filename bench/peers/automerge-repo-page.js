// automerge-repo as a page would use it: one repository, one document, its own WebSocket adapter.

import { automergeWasmBase64 } from '@automerge/automerge/automerge.wasm.base64';
import { initializeBase64Wasm, Repo, splice } from '@automerge/automerge-repo/slim';
import { WebSocketClientAdapter } from '@automerge/automerge-repo-network-websocket';

let handle;
let repo;

globalThis.peer = {
  async start(server) {
    await initializeBase64Wasm(automergeWasmBase64);
    repo = new Repo({ network: [new WebSocketClientAdapter(server)] });
    await repo.networkSubsystem.whenReady();
  },
  create() {
    handle = repo.create({ text: '' });
    return handle.url;
  },
  async open(url) {
    handle = await repo.find(url);
  },
  /** Calls back with the length of the text after every change of it. */
  onChange(listener) {
    handle.on('change', ({ doc }) => listener(doc.text.length));
  },
  edit() {
    handle.change((doc) => {
      splice(doc, ['text'], doc.text.length, 0, 'x');
    });
  },
};
