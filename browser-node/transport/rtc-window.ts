// The page's side of direct links: owns the RTCPeerConnections, hands their channels to the engine when they are made, and pumps
// them through ports where the browser cannot do that (DL8, DL9).

import { LINK_SEND_BYTES_MAX } from '../../shared/session/link-room.ts';
import { CHANNEL_NAMES, CHANNELS, type ChannelName, type EngineToWindow, type WindowToEngine } from './rtc-messages.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** More than a group's members that are online at once; each costs the browser sockets and memory. */
const CONNECTIONS_MAX = 64;
/** Gathering without servers takes a tenth of this; a network interface that hangs is not waited for, ms. */
const GATHER_WAIT = 2_000;
/** A connection that is interrupted for longer is given up: the relay carries on, and a new attempt follows, ms. */
const INTERRUPTION_MAX = 3_000;
/** An engine that does not answer the probe did not get the channel, ms. */
const PROBE_WAIT = 1_000;
/** What was sent last, a goodbye for instance, still leaves, ms. */
const LINGER = 250;

export type RtcWindowOptions = {
  /** Never hand channels over, as a browser that cannot. */
  readonly pumpOnly?: boolean;
};

/** Serves the engine at the other end of `port`; the returned function ends all connections. */
export function serveRtc(port: MessagePort, options: RtcWindowOptions = {}): () => void {
  const connections = new Map<number, RTCPeerConnection>();
  const say = (message: WindowToEngine, transfer: Transferable[] = []): void => port.postMessage(message, transfer);
  let probed: ((works: boolean) => void) | null = null;
  let transfers: Promise<boolean> | null = options.pumpOnly === true ? Promise.resolve(false) : null;

  const canTransfer = (): Promise<boolean> => {
    transfers ??= probe();
    return transfers;
  };
  const probe = async (): Promise<boolean> => {
    const connection = new RTCPeerConnection();
    try {
      const channel = connection.createDataChannel('probe');
      const { promise, resolve } = Promise.withResolvers<boolean>();
      probed = resolve;
      say({ rtc: 'probe', channel }, [channel]);
      setTimeout(() => resolve(false), PROBE_WAIT);
      return await promise;
    } catch {
      // This browser does not hand channels over at all.
      return false;
    } finally {
      connection.close();
    }
  };
  const close = (id: number): void => {
    const connection = connections.get(id);
    connections.delete(id);
    if (connection) setTimeout(() => connection.close(), LINGER);
  };
  const fail = (id: number, because: string): void => {
    if (!connections.has(id)) return;
    close(id);
    say({ rtc: 'failed', id, because });
  };
  const describe = async (message: EngineToWindow & { rtc: 'offer' | 'answer' }): Promise<void> => {
    const { id, ice } = message;
    const handsOver = await canTransfer();
    if (connections.size >= CONNECTIONS_MAX) throw new Error('too many direct connections are open');
    const connection = new RTCPeerConnection(ice.length > 0 ? { iceServers: [{ urls: [...ice] }] } : {});
    connections.set(id, connection);
    watch(connection, (because) => fail(id, because));
    for (const name of CHANNEL_NAMES) {
      const channel = connection.createDataChannel(name, { negotiated: true, id: CHANNELS[name] });
      if (handsOver) say({ rtc: 'channel', id, name, channel }, [channel]);
      else pump({ channel, id, name, say });
    }
    if (message.rtc === 'answer') await connection.setRemoteDescription({ type: 'offer', sdp: message.sdp });
    await connection.setLocalDescription();
    await gathered(connection);
    const sdp = connection.localDescription?.sdp;
    if (sdp !== undefined) say({ rtc: 'described', id, sdp });
  };
  const act = async (message: EngineToWindow): Promise<void> => {
    switch (message.rtc) {
      case 'offer':
      case 'answer':
        return await describe(message);
      case 'accept':
        return await connections.get(message.id)?.setRemoteDescription({ type: 'answer', sdp: message.sdp });
      case 'close':
        return close(message.id);
      case 'probed':
        probed?.(message.works);
    }
  };
  port.addEventListener('message', ({ data }: MessageEvent<EngineToWindow>) => {
    act(data).catch((error: unknown) => {
      if (data.rtc === 'probed') return;
      close(data.id);
      say({ rtc: 'failed', id: data.id, because: messageOf(error) });
    });
  });
  port.start();
  return () => {
    for (const connection of connections.values()) connection.close();
    connections.clear();
    port.close();
  };
}

/** Channels outlive their connection's failure unless it is closed. */
function watch(connection: RTCPeerConnection, lost: (because: string) => void): void {
  connection.addEventListener('connectionstatechange', () => {
    const { connectionState } = connection;
    if (connectionState === 'failed' || connectionState === 'closed') lost('the other side cannot be reached directly');
    if (connectionState !== 'disconnected') return;
    setTimeout(() => {
      if (connection.connectionState === 'disconnected') lost('the direct connection was interrupted');
    }, INTERRUPTION_MAX);
  });
}

/** All addresses, or those found in time. */
function gathered(connection: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (connection.iceGatheringState !== 'complete' && connection.signalingState !== 'closed') return;
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(resolve, GATHER_WAIT);
    connection.addEventListener('icegatheringstatechange', look);
    look();
  });
}

/** Carries frames between a channel and the engine's link over a port; acknowledges what the channel took (port-link.ts). */
function pump(given: {
  channel: RTCDataChannel;
  id: number;
  name: ChannelName;
  say: (message: WindowToEngine, transfer: Transferable[]) => void;
}): void {
  const { channel, id, name, say } = given;
  const { port1: port, port2: offered } = new MessageChannel();
  const waiting: ArrayBuffer[] = [];
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = LINK_SEND_BYTES_MAX / 2;

  const flush = (): void => {
    while (channel.readyState === 'open' && waiting.length > 0 && channel.bufferedAmount < LINK_SEND_BYTES_MAX) {
      const frame = waiting.shift()!;
      channel.send(frame);
      port.postMessage(frame.byteLength);
    }
  };
  port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string') return channel.close();
    if (!(data instanceof ArrayBuffer)) return;
    waiting.push(data);
    flush();
  });
  channel.addEventListener('bufferedamountlow', flush);
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) port.postMessage(data, [data]);
  });
  channel.addEventListener('open', () => {
    say({ rtc: 'open', id, name }, []);
    flush();
  });
  channel.addEventListener('close', () => {
    port.postMessage('the channel was closed');
    port.close();
  });
  port.start();
  say({ rtc: 'pumped', id, name }, [offered]);
}
