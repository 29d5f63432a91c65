// The page of both profiles: ours in a worker as the app has it, and a bare data channel with the best settings known.

import { transfer, wrap, type Remote } from 'comlink';
import { serveRtc } from '../browser-node/transport/rtc-window.ts';
import type { TransferWorker } from './blob-transfer-worker.ts';

declare const TRANSFER_WORKER: string;

/** Fastest (measured): 64 KiB messages, 128 to 256 KiB in the queue. */
const MESSAGE_BYTES = 65_536;
const QUEUE_BYTES = 262_144;

const worker = new Worker(URL.createObjectURL(new Blob([TRANSFER_WORKER], { type: 'text/javascript' })));
const node: Remote<TransferWorker> = wrap<TransferWorker>(worker);

let bare: { connection: RTCPeerConnection; channel: RTCDataChannel } | null = null;

function openBare(): { connection: RTCPeerConnection; channel: RTCDataChannel } {
  const connection = new RTCPeerConnection();
  const channel = connection.createDataChannel('bare', { negotiated: true, id: 0 });
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = QUEUE_BYTES / 2;
  return { connection, channel };
}

async function describe(connection: RTCPeerConnection): Promise<string> {
  await connection.setLocalDescription();
  while (connection.iceGatheringState !== 'complete') await pause();
  return connection.localDescription!.sdp;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const page = {
  prepare: () => node.prepare(),
  fill: (bytes: number) => node.fill(bytes),
  async join(relay: string, byte: number) {
    const { port1, port2 } = new MessageChannel();
    serveRtc(port1);
    await node.start({ relay, byte }, transfer(port2, [port2]));
  },
  dial: () => node.dial(),
  isDirect: () => node.isDirect(),
  forget: (cids: Parameters<TransferWorker['fetch']>[0]) => node.forget(cids),
  fetch: (cids: Parameters<TransferWorker['fetch']>[0]) => node.fetch(cids),

  async bareOffer(): Promise<string> {
    bare = openBare();
    return describe(bare.connection);
  },
  async bareAnswer(sdp: string): Promise<string> {
    bare = openBare();
    await bare.connection.setRemoteDescription({ type: 'offer', sdp });
    return describe(bare.connection);
  },
  async bareAccept(sdp: string): Promise<void> {
    await bare!.connection.setRemoteDescription({ type: 'answer', sdp });
    while (bare!.channel.readyState !== 'open') await pause();
  },
  /** Milliseconds from the word that starts the sender until so many bytes are here, in memory, nothing looked at. */
  bareReceive(bytes: number): Promise<number> {
    const { channel } = bare!;
    return new Promise((resolve) => {
      const started = performance.now();
      const file: ArrayBuffer[] = [];
      let received = 0;
      channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
        file.push(data);
        received += data.byteLength;
        if (received >= bytes) resolve(performance.now() - started);
      };
      channel.send('go');
    });
  },
  /** Sends a file of so many bytes, which is in memory, each time the other side says so. */
  bareServe(bytes: number): void {
    const { channel } = bare!;
    const file = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += MESSAGE_BYTES) crypto.getRandomValues(file.subarray(at, at + MESSAGE_BYTES));
    let sent = bytes;
    const push = (): void => {
      while (sent < bytes && channel.bufferedAmount + MESSAGE_BYTES <= QUEUE_BYTES) {
        channel.send(file.subarray(sent, sent + MESSAGE_BYTES));
        sent += MESSAGE_BYTES;
      }
    };
    channel.onbufferedamountlow = push;
    channel.onmessage = () => {
      sent = 0;
      push();
    };
  },
};

export type TransferPage = typeof page;

Object.assign(globalThis, { transfers: page });
