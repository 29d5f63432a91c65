// The relay's room in this process, each member at the other end of a MessageChannel: the link that the peer has to its server.

import { MessageChannel } from 'node:worker_threads';
import type { Clock, Link, Random } from '../shared/platform/ports.ts';
import { LOOPBACK_POLICY } from '../worker/policy.ts';
import { createRoomCore } from '../worker/relay/room-core.ts';

export type ChannelRoom = {
  connect(): Link;
  /** Ends every connection, as a relay that restarts. */
  cutAll(): void;
};

export function createChannelRoom({ clock, random }: { clock: Clock; random: Random }): ChannelRoom {
  const cuts = new Set<() => void>();
  const core = createRoomCore({
    policyFor: () => LOOPBACK_POLICY,
    drawNumber: () => new DataView(random.bytes(4).buffer).getUint32(0),
    now: () => clock.now(),
    onPayload: () => undefined,
    onLeft: () => undefined,
  });

  function connect(): Link {
    const { port1: client, port2: relay } = new MessageChannel();
    const close = (): void => client.close();
    const socket = {
      send: (frame: Uint8Array) => post(relay, frame),
      close,
      remember: () => undefined,
      buffered: () => 0,
    };
    return {
      send: (frame) => post(client, frame),
      buffered: () => 0,
      close,
      listen(events) {
        const member = core.join(socket, { loopback: true });
        cuts.add(close);
        relay.on('message', (frame: Uint8Array) => core.receive(member, frame));
        client.on('message', (frame: Uint8Array) => events.frame(frame));
        client.once('close', () => {
          cuts.delete(close);
          core.leave(member);
          events.closed('cut');
        });
      },
    };
  }

  return { connect, cutAll: () => [...cuts].forEach((cut) => cut()) };
}

/** A copy, as on any wire: the sender may write on into its own. */
function post(port: InstanceType<typeof MessageChannel>['port1'], frame: Uint8Array): void {
  const copy = frame.slice();
  port.postMessage(copy, [copy.buffer]);
}
