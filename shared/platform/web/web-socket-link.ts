// A link over a WebSocket: binary frames only, bounded, held back until somebody listens.

import { FRAME_BYTES_MAX } from '../../core/limits.ts';
import type { Link } from '../ports.ts';

type Events = Parameters<Link['listen']>[0];

/** Frames that may arrive between opening and listening; a caller listens in the same task or the next. */
const EARLY_FRAMES_MAX = 256;
const CLOSE_NORMAL = 1_000;
/** RFC 6455 §7.4.2: codes from 4000 are for applications; this one says "too big" like 1009, which clients may not send. */
const CLOSE_TOO_BIG = 4_009;

/** Rejects with an Error when the connection cannot be opened. Text frames (a relay's keep-alive) are ignored. */
export function connectWebSocketLink(url: string, options: { WebSocket?: typeof WebSocket } = {}): Promise<Link> {
  const socket = new (options.WebSocket ?? WebSocket)(url);
  socket.binaryType = 'arraybuffer';
  const link = linkOf(socket);
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(link));
    socket.addEventListener('close', () => reject(new Error(`The connection to ${url} could not be opened.`)));
  });
}

function linkOf(socket: WebSocket): Link {
  let events: Events | undefined;
  let early: Uint8Array[] = [];
  let ended: string | undefined;

  const end = (because: string): void => {
    if (ended !== undefined) return;
    ended = because;
    events?.closed(because);
  };
  const refuse = (because: string): void => {
    socket.close(CLOSE_TOO_BIG, because);
    end(because);
  };

  socket.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (ended !== undefined || !(event.data instanceof ArrayBuffer)) return;
    if (event.data.byteLength > FRAME_BYTES_MAX) return refuse('a frame was too large');
    const frame = new Uint8Array(event.data);
    if (events !== undefined) return events.frame(frame);
    if (early.length >= EARLY_FRAMES_MAX) return refuse('nobody listens');
    early.push(frame);
  });
  socket.addEventListener('close', (event) => end(event.reason || `closed with code ${event.code}`));

  return {
    send(frame) {
      // A closed socket has said so through `closed`; what is sent after that is lost, as on any wire.
      if (socket.readyState === socket.OPEN) socket.send(frame as Uint8Array<ArrayBuffer>);
    },
    buffered: () => socket.bufferedAmount,
    close() {
      socket.close(CLOSE_NORMAL);
      end('closed here');
    },
    listen(given) {
      events = given;
      const waiting = early;
      early = [];
      for (const frame of waiting) given.frame(frame);
      if (ended !== undefined) given.closed(ended);
    },
  };
}
