// Where one is in the app: the view and the thing in it, named by the address's hash.

import { signal, type ReadonlySignal } from '@preact/signals';

/** Those that the navigation lists. */
export const VIEWS = ['start', 'sites', 'groups', 'wallet', 'peers', 'status'] as const;
export type ViewName = (typeof VIEWS)[number];

/** What of a group has a page of its own, under the group's. */
const GROUP_PARTS = ['tokens', 'order', 'policy', 'deals'] as const;
type GroupPart = (typeof GROUP_PARTS)[number];

export type Route =
  | { readonly view: ViewName }
  | { readonly view: 'site'; readonly handle: string; readonly name: string }
  | { readonly view: 'group'; readonly groupId: string }
  | { readonly view: GroupPart; readonly groupId: string }
  /** `page` as in the document `pages/<page>`. */
  | { readonly view: 'page'; readonly groupId: string; readonly page: string }
  /** `#join=…`: whoever opens the address has the invite, which is in its hash so that no server sees it. */
  | { readonly view: 'join'; readonly invite: string };

const JOIN = '#join=';
/** What an address may name: handles, names, ids of groups and pages. */
const PART = /^[a-z0-9-]{1,128}$/;

/** `#/wallet` → wallet, `#/groups/<id>/pages/<page>` → that page; whatever else, the start. */
export function parseRoute(hash: string): Route {
  if (hash.startsWith(JOIN)) return { view: 'join', invite: hash.slice(JOIN.length) };
  const [name = '', ...parts] = hash.replace(/^#\/?/, '').replace(/\/$/, '').split('/');
  const view = VIEWS.find((one) => one === name);
  if (view === undefined || !parts.every((part) => PART.test(part))) return { view: 'start' };
  const [first, second = '', third] = parts;
  if (first === undefined) return { view };
  if (view === 'sites' && parts.length <= 2) return { view: 'site', handle: first, name: second };
  if (view === 'groups' && parts.length === 1) return { view: 'group', groupId: first };
  const part = GROUP_PARTS.find((one) => one === second);
  if (view === 'groups' && part !== undefined && parts.length === 2) return { view: part, groupId: first };
  if (view === 'groups' && second === 'pages' && third !== undefined && parts.length === 3) {
    return { view: 'page', groupId: first, page: third };
  }
  return { view: 'start' };
}

export function routeTo(to: ViewName | Route): string {
  const route = typeof to === 'string' ? { view: to } : to;
  switch (route.view) {
    case 'site':
      return route.name === '' ? `#/sites/${route.handle}` : `#/sites/${route.handle}/${route.name}`;
    case 'group':
      return `#/groups/${route.groupId}`;
    case 'tokens':
    case 'order':
    case 'policy':
    case 'deals':
      return `#/groups/${route.groupId}/${route.view}`;
    case 'page':
      return `#/groups/${route.groupId}/pages/${route.page}`;
    case 'join':
      return `${JOIN}${route.invite}`;
    case 'start':
      return '#/';
    default:
      return `#/${route.view}`;
  }
}

/** The entry of the navigation under which a route stands. */
export function sectionOf({ view }: Route): ViewName {
  return VIEWS.find((one) => one === view) ?? (view === 'site' ? 'sites' : 'groups');
}

/** Leaves an address that should not stay in the history, such as an invite that was taken. */
export function replaceRoute(route: Route): void {
  location.replace(routeTo(route));
}

/** Follows the address bar; one for the life of the page. */
export function followRoute(): ReadonlySignal<Route> {
  const route = signal(parseRoute(location.hash));
  addEventListener('hashchange', () => (route.value = parseRoute(location.hash)));
  return route;
}
