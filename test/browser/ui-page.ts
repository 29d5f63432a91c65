// The app's page over a node in memory; `#options` of the page says which.

import '../../browser-node/app/styles/app.css';
import { mountApp } from '../../browser-node/app/mount-app.tsx';
import { createFakeNode, type FakeNode, type FakeOptions } from './fake-node.ts';

declare global {
  var fake: FakeNode;
}

const search = new URLSearchParams(location.search);
const options = JSON.parse(search.get('options') ?? '{}') as FakeOptions;
const root = document.getElementById('app')!;

mountApp({
  root,
  connect() {
    globalThis.fake = createFakeNode(options);
    const { fail } = options;
    if (fail?.call === 'connect') return Promise.reject(Object.assign(new Error(fail.message), { code: fail.code }));
    return Promise.resolve(globalThis.fake);
  },
});
