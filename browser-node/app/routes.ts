// Where one is in the app: the view named by the address's hash.

import { signal, type ReadonlySignal } from '@preact/signals';

export const VIEWS = ['start', 'sites', 'wallet', 'peers', 'status'] as const;
export type ViewName = (typeof VIEWS)[number];

/** `#/wallet` → wallet; whatever else, the start. */
export function parseRoute(hash: string): ViewName {
  const name = hash.replace(/^#\/?/, '').replace(/\/$/, '');
  return VIEWS.find((view) => view === name) ?? 'start';
}

export function routeTo(view: ViewName): string {
  return view === 'start' ? '#/' : `#/${view}`;
}

/** Follows the address bar; one for the life of the page. */
export function followRoute(): ReadonlySignal<ViewName> {
  const route = signal(parseRoute(location.hash));
  addEventListener('hashchange', () => (route.value = parseRoute(location.hash)));
  return route;
}
