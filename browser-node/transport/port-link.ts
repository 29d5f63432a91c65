// A link over a MessagePort: between tab, page and engine, and for data channels that the page pumps.
//
//   ArrayBuffer  a frame, handed over without a copy
//   number       bytes of frames that were dealt with: what is missing counts as buffered
//   string       the end, and why

import type { Link } from '../../shared/platform/ports.ts';
import { FRAME_BYTES_MAX } from '../../shared/core/limits.ts';
import { LINK_SEND_BYTES_MAX } from '../../shared/session/link-room.ts';
import { EarlyFrames } from './early-frames.ts';

/** Unread bytes below which a sender is told that there is room again. */
const LOW_BYTES: number = LINK_SEND_BYTES_MAX / 2;

export type PortEnd = Pick<MessagePort, 'postMessage' | 'start' | 'close' | 'addEventListener'>;

export function createPortLink(port: PortEnd): Link {
  const early = new EarlyFrames();
  let unread = 0;

  const end = (because: string, tell: boolean): void => {
    if (early.ended) return;
    if (tell) port.postMessage(because);
    port.close();
    early.end(because);
  };
  const take = (data: unknown): void => {
    if (early.ended) return;
    if (typeof data === 'string') return end(data, false);
    if (typeof data === 'number') {
      const before = unread;
      unread = Math.max(0, unread - data);
      if (before > LOW_BYTES && unread <= LOW_BYTES) early.drained();
    } else if (data instanceof ArrayBuffer) {
      const { byteLength } = data;
      if (byteLength > FRAME_BYTES_MAX) return end('a frame was too large', true);
      if (!early.frame(new Uint8Array(data))) return end('nobody listens', true);
      if (!early.ended) port.postMessage(byteLength);
    }
  };

  port.addEventListener('message', ({ data }: MessageEvent<unknown>) => take(data));
  // Newer browsers say when the other end is gone; elsewhere whoever made the port knows.
  port.addEventListener('close' as 'message', () => end('the other side is gone', false));
  port.start();
  return {
    send(frame) {
      if (early.ended) return;
      const { buffer } = frame.slice();
      unread += buffer.byteLength;
      port.postMessage(buffer, [buffer]);
    },
    buffered: () => unread,
    close: () => end('closed', true),
    listen: (events) => early.listen(events),
  };
}
