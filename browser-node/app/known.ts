// What the node has said about itself, one signal per kind of event; undefined until its first answer.

import type { NodeEvents, WeftApi } from '../api.ts';
import { signal, type Signal } from '@preact/signals';

export type Known = { readonly [K in keyof NodeEvents]: Signal<NodeEvents[K] | undefined> };

export function createKnown(): Known {
  return { status: signal(), wallet: signal(), sites: signal(), jobs: signal(), peers: signal(), groups: signal() };
}

/** For the life of the page. */
export function followEvents(api: WeftApi, known: Known): void {
  api.on('status', (value) => (known.status.value = value));
  api.on('wallet', (value) => (known.wallet.value = value));
  api.on('sites', (value) => (known.sites.value = value));
  api.on('jobs', (value) => (known.jobs.value = value));
  api.on('peers', (value) => (known.peers.value = value));
  api.on('groups', (value) => (known.groups.value = value));
}

/** Each answer is shown when it is there; one that fails leaves the others alone, and an event will bring it. */
export async function loadKnown(api: WeftApi, known: Known): Promise<void> {
  await Promise.allSettled([
    api.status().then((value) => (known.status.value ??= value)),
    api.wallet.status().then((value) => (known.wallet.value ??= value)),
    api.sites.mine().then((value) => (known.sites.value ??= value)),
    api.sites.jobs().then((value) => (known.jobs.value ??= value)),
    api.peers.list().then((value) => (known.peers.value ??= value)),
    api.groups.list().then((value) => (known.groups.value ??= value)),
  ]);
}
