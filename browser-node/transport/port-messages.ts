// What tabs, service worker, leader and engine say to each other before Comlink takes a port over (BN11–BN14).

import type { ApiFailure } from '../api.ts';

/** Whoever holds it leads: its page runs the engine. */
export const LEADER_LOCK = 'weft-leader';
/** Where a new leader says that it is there. */
export const LEADER_CHANNEL = 'weft-leader';
const TAB_LOCK = 'weft-tab/';

/** Held by a tab for as long as it lives: so the engine counts tabs and learns of their end without asking. */
export function tabLock(tab: string): string {
  return TAB_LOCK + tab;
}

export function isTabLock(name: string | undefined): boolean {
  return name?.startsWith(TAB_LOCK) === true;
}

/** Tab → service worker → leader's page → engine, each with one port. */
export type ConnectMessage = {
  readonly weft: 'connect';
  readonly tab: string;
  /** From the last engine, if the wallet was unlocked there (BN14). */
  readonly pass: string | null;
};
/** Service worker → every page, and back from the one that leads. */
export type LeaderQuestion = { readonly weft: 'who leads'; readonly question: number };
export type LeaderAnswer = { readonly weft: 'i lead'; readonly question: number };
/** The page of an engine → that engine, first of all: with a port to the page's direct links (rtc-messages.ts). */
export type RtcMessage = { readonly weft: 'direct links' };
/**
 * Engine → its page: it listens now (what is posted earlier is lost), and holds the lock `life` until it ends, however that
 * comes about; it is going to use the port for direct links; it was deposed by a later engine.
 */
export type EngineMessage =
  | { readonly weft: 'listening'; readonly life: string }
  | { readonly weft: 'link directly' }
  | { readonly weft: 'deposed' };
/** On a tab's port: it has arrived; the node runs, and Comlink has the port from here; or why it cannot. */
export type PortMessage =
  | { readonly weft: 'reached' }
  | { readonly weft: 'ready' }
  | { readonly weft: 'failed'; readonly failure: ApiFailure };
/** A new leader → all tabs. */
export type LeaderNews = { readonly weft: 'new leader'; readonly tab: string };

type Message = ConnectMessage | RtcMessage | LeaderQuestion | LeaderAnswer | EngineMessage | PortMessage | LeaderNews;

/** Other scripts of the origin may post what they like: only our own shapes are looked at. */
export function readMessage<Kind extends Message['weft']>(
  kind: Kind,
  value: unknown,
): Extract<Message, { weft: Kind }> | undefined {
  const isOurs = typeof value === 'object' && value !== null && (value as { weft?: unknown }).weft === kind;
  return isOurs ? (value as Extract<Message, { weft: Kind }>) : undefined;
}
