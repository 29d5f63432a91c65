// The page of the link tests: runs the worker that has the links, and serves its direct ones as the leader's page does.

import { transfer, wrap, type Remote } from 'comlink';
import { serveRtc } from '../../browser-node/transport/rtc-window.ts';
import type { LinkWorker } from './link-worker.ts';

declare const LINK_WORKER: string;

const worker = new Worker(URL.createObjectURL(new Blob([LINK_WORKER], { type: 'text/javascript' })));
const remote: Remote<LinkWorker> = wrap<LinkWorker>(worker);

/** A port to this page's connections. */
function openRtc(pumpOnly: boolean): MessagePort {
  const { port1, port2 } = new MessageChannel();
  serveRtc(port1, { pumpOnly });
  return port2;
}

const page = {
  runPortCase: (name: string) => remote.runPortCase(name),
  runDirectCase(name: string, pumpOnly: boolean) {
    const ports = [openRtc(pumpOnly), openRtc(pumpOnly)] as const;
    return remote.runDirectCase(name, transfer(ports[0], [ports[0]]), transfer(ports[1], [ports[1]]));
  },
  start(options: { relay: string; byte: number }, pumpOnly: boolean) {
    const port = openRtc(pumpOnly);
    return remote.start(options, transfer(port, [port]));
  },
  dial: () => remote.dial(),
  send: (bytes: number) => remote.send(bytes),
  state: () => remote.state(),
  meetWithMiddle(relay: string) {
    const ports = [openRtc(false), openRtc(false), openRtc(false)];
    return remote.meetWithMiddle(relay, ...ports.map((port) => transfer(port, [port])));
  },
};

export type LinkPage = typeof page;

Object.assign(globalThis, { links: page });
