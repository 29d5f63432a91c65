// A link over an RTCDataChannel, wherever the channel is: in the engine it was handed to, or in the page that made it.

import type { Link } from '../../shared/platform/ports.ts';
import { FRAME_BYTES_MAX } from '../../shared/core/limits.ts';
import { LINK_SEND_BYTES_MAX } from '../../shared/session/link-room.ts';
import { EarlyFrames } from './early-frames.ts';

/** Where a channel says that it wants more: half of what it is given, so that it never runs dry. */
const LOW_BYTES: number = LINK_SEND_BYTES_MAX / 2;

export type ChannelLink = {
  readonly link: Link;
  /** Rejects when the channel ends first. */
  readonly opened: Promise<void>;
};

/** In the task in which the channel came, so that no event is missed. */
export function createChannelLink(channel: RTCDataChannel): ChannelLink {
  const early = new EarlyFrames();
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => undefined);
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LOW_BYTES;

  const end = (because: string): void => {
    opened.reject(new Error(because));
    early.end(because);
  };
  const refuse = (because: string): void => {
    channel.close();
    end(because);
  };
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (early.ended || !(data instanceof ArrayBuffer)) return;
    if (data.byteLength > FRAME_BYTES_MAX) return refuse('a frame was too large');
    if (!early.frame(new Uint8Array(data))) refuse('nobody listens');
  });
  channel.addEventListener('bufferedamountlow', () => early.drained());
  channel.addEventListener('open', () => opened.resolve());
  channel.addEventListener('close', () => end('the channel was closed'));
  channel.addEventListener('error', () => end('the channel failed'));
  if (channel.readyState === 'open') opened.resolve();
  if (channel.readyState === 'closed') end('the channel was closed');

  const link: Link = {
    send(frame) {
      // A closed channel has said so through `closed`; what is sent after that is lost, as on any wire.
      if (channel.readyState === 'open') channel.send(frame as Uint8Array<ArrayBuffer>);
    },
    buffered: () => channel.bufferedAmount,
    close() {
      channel.close();
      end('closed here');
    },
    listen: (events) => early.listen(events),
  };
  return { link, opened: opened.promise };
}
