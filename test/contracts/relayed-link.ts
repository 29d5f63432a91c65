// Two sockets in one room of a relay as the two ends of a link: what a session has below it when no direct link is there.

import type { Link } from '../../shared/platform/ports.ts';
import { EarlyFrames } from '../../browser-node/transport/early-frames.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import {
  encodeSend,
  encodeServices,
  parseRelayFrame,
  SERVICE_READ,
  type PeerId,
} from '../../shared/session/relay-wire.ts';

type Member = { readonly link: Link; readonly you: PeerId; readonly frames: EarlyFrames };

/** `url` is the one of a room where nobody else is. */
export async function openRelayedLinks(url: string): Promise<readonly [Link, Link]> {
  const [one, other] = [await enter(url), await enter(url)];
  return [endOf(one, other.you), endOf(other, one.you)];
}

async function enter(url: string): Promise<Member> {
  const link = await connectWebSocketLink(url);
  const frames = new EarlyFrames();
  const welcome = Promise.withResolvers<PeerId>();
  link.listen({
    frame: (bytes) => {
      const frame = parseRelayFrame(bytes);
      if (!frame.ok) return;
      if (frame.value.type === 'welcome') welcome.resolve(frame.value.you);
      if (frame.value.type === 'from') frames.frame(frame.value.payload.slice());
      if (frame.value.type === 'left' || frame.value.type === 'gone') frames.end('the other side left');
    },
    closed: (because) => frames.end(because),
  });
  const you = await welcome.promise;
  // Only of those who serve does a relay say that they left.
  link.send(encodeServices(SERVICE_READ));
  return { link, you, frames };
}

function endOf({ link, frames }: Member, peer: PeerId): Link {
  return {
    send: (frame) => (frames.ended ? undefined : link.send(encodeSend(peer, frame))),
    buffered: () => link.buffered(),
    close: () => link.close(),
    listen: (events) => frames.listen(events),
  };
}
