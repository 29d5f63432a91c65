// What the page knows of its node, as signals that follow the node's events, and what views share.

import type { ApiFailure, WeftApi } from '../api.ts';
import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { readFailure } from './failure-text.ts';
import { createKnown, followEvents, loadKnown, type Known } from './known.ts';
import { createPublishFlow, type PublishFlow } from './publish-flow.ts';
import { followRoute, type Route } from './routes.ts';
import { followTheme, type Theme } from './theme.ts';

export type Connection =
  | { readonly state: 'starting' }
  | { readonly state: 'ready' }
  | { readonly state: 'failed'; readonly failure: ApiFailure };

export type AppState = {
  readonly connection: ReadonlySignal<Connection>;
  /** Calls wait for it; it rejects when the connection is `failed`. */
  readonly node: Promise<WeftApi>;
  readonly known: Known;
  readonly route: ReadonlySignal<Route>;
  readonly theme: Signal<Theme>;
  readonly publish: PublishFlow;
  /** The last thing said in passing ("Copied"), for the eye and for screen readers. */
  readonly remark: ReadonlySignal<string>;
  say(text: string): void;
};

/** Long enough to read five words twice. */
const REMARK_SHOWN = 4_000;

export function createAppState(connect: () => Promise<WeftApi>): AppState {
  const connection = signal<Connection>({ state: 'starting' });
  const known = createKnown();
  const node = connect();
  node.then(
    async (api) => {
      followEvents(api, known);
      connection.value = { state: 'ready' };
      await loadKnown(api, known);
    },
    (error: unknown) => (connection.value = { state: 'failed', failure: readFailure(error) }),
  );
  const { remark, say } = createRemark();
  return {
    connection,
    node,
    known,
    remark,
    say,
    route: followRoute(),
    theme: followTheme(),
    publish: createPublishFlow({ node, known }),
  };
}

function createRemark(): Pick<AppState, 'remark' | 'say'> {
  const remark = signal('');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string): void => {
    clearTimeout(timer);
    remark.value = text;
    timer = setTimeout(() => (remark.value = ''), REMARK_SHOWN);
  };
  return { remark, say };
}

const AppContext = createContext<AppState | undefined>(undefined);
export const AppProvider = AppContext.Provider;

export function useApp(): AppState {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('a component outside of AppProvider');
  return app;
}
