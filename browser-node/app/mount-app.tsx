// Draws the app into an element, over whatever node it is given.

import type { WeftApi } from '../api.ts';
import { render } from 'preact';
import { AppProvider, createAppState } from './app-state.ts';
import { Shell } from './shell.tsx';

/** `connect` is called once; when it rejects, the page says why in the failure's own words. */
export function mountApp({ root, connect }: { root: HTMLElement; connect: () => Promise<WeftApi> }): void {
  const app = createAppState(connect);
  // A file dropped beside the target would replace the page, and with it the node.
  for (const type of ['dragover', 'drop'] as const) addEventListener(type, (event) => event.preventDefault());
  render(
    <AppProvider value={app}>
      <Shell />
    </AppProvider>,
    root,
  );
}
