// What the engine and its page say about direct links: only pages have RTCPeerConnection, only the engine has sessions (DL9).

/** Both sides create them alike, under these stream numbers, so neither waits for the other's word. */
export const CHANNELS = { session: 0, bulk: 1 } as const;
export type ChannelName = keyof typeof CHANNELS;
export const CHANNEL_NAMES: readonly ChannelName[] = ['session', 'bulk'];

/** `id` names a connection; the engine draws it. */
export type EngineToWindow =
  | { readonly rtc: 'offer'; readonly id: number; readonly ice: readonly string[] }
  | { readonly rtc: 'answer'; readonly id: number; readonly ice: readonly string[]; readonly sdp: string }
  | { readonly rtc: 'accept'; readonly id: number; readonly sdp: string }
  | { readonly rtc: 'close'; readonly id: number }
  /** What came of `probe`. */
  | { readonly rtc: 'probed'; readonly works: boolean };

export type WindowToEngine =
  /** The description with all its addresses. */
  | { readonly rtc: 'described'; readonly id: number; readonly sdp: string }
  /** The engine's own from now on. */
  | { readonly rtc: 'channel'; readonly id: number; readonly name: ChannelName; readonly channel: RTCDataChannel }
  /** With a port: the page pumps this channel. */
  | { readonly rtc: 'pumped'; readonly id: number; readonly name: ChannelName }
  /** A pumped channel is open. */
  | { readonly rtc: 'open'; readonly id: number; readonly name: ChannelName }
  | { readonly rtc: 'failed'; readonly id: number; readonly because: string }
  /** Whether this browser hands channels to workers: one that is not used. */
  | { readonly rtc: 'probe'; readonly channel: RTCDataChannel };
