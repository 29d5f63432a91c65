// weft run: the always-on node of a data folder, in the foreground: validates, pins and answers until it is stopped.

import { once } from 'node:events';
import { parseRelayAddress, type RelayAddress } from '../../shared/session/relay-address.ts';
import { type Command, CommandFailure, optionText, STATUS_USAGE } from './command.ts';
import { dataFolder, FOLDER_OPTIONS, PROJECT_ROOT } from './data-folder.ts';
import { readRpcAddress, rpcTokenPath } from '../rpc-address.ts';
import { EDGE_OPTIONS, edgeOrigin } from './edge-client.ts';

const SECOND = 1_000;

export const RUN: Command = {
  name: 'run',
  summary: 'Runs the node of a data folder: validates its commons, pins what is published, until Ctrl-C.',
  usage:
    '[--data FOLDER] [--edge URL] [--alone] [--announce RELAY] [--purge-interval SECONDS] [--rpc-addr HOST:PORT] [--rpc-origin ORIGIN]',
  options: {
    ...FOLDER_OPTIONS,
    ...EDGE_OPTIONS,
    alone: {
      type: 'boolean',
      about: 'sign even if nobody can say how far this node had got (a restored folder may fork)',
    },
    announce: {
      type: 'string',
      about: 'a relay such as wss://relay.example/relay to list in the commons while it runs',
    },
    'purge-interval': {
      type: 'string',
      about: 'how often entries that have waited too long are let go, in seconds (600)',
    },
    'rpc-addr': {
      type: 'string',
      about: 'where JSON-RPC is answered (127.0.0.1:3030); its token stands in the file rpc-token of the data folder',
    },
    'rpc-origin': {
      type: 'string',
      about: 'a page that may ask by JSON-RPC, as an origin such as https://tool.example',
    },
  },
  examples: ['run', 'run --data ./mesh --edge http://localhost:8788', 'run --alone'],
  takes: 0,
  async run({ options, answer }) {
    const purgeInterval = readPurgeInterval(optionText(options, 'purge-interval'));
    const rpc = readRpcAddress(optionText(options, 'rpc-addr'), optionText(options, 'rpc-origin'));
    // A whole node: only these commands pay for loading it.
    const { runHeadless } = await import('../run-headless.ts');
    const [folder, edge] = [dataFolder(options), edgeOrigin(options)];
    const announce = readRelay(optionText(options, 'announce'));
    const alone = options['alone'] === true;
    const node = await runHeadless({ folder, edge, root: PROJECT_ROOT, alone, announce, ...purgeInterval, rpc });
    const asked = `http://${rpc.host}:${node.rpcPort}/rpc`;
    const token = rpcTokenPath(folder);
    const text = `running ${folder} on ${edge}\nJSON-RPC  ${asked} (token in ${token})\nCtrl-C stops it`;
    answer({ value: { running: true, folder, edge, rpc: asked, token }, text });
    const ended = await Promise.race([node.failed, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    await node.stop();
    if (ended instanceof Error) throw new CommandFailure('store_failed', ended.message);
  },
};

function readRelay(text: string | undefined): RelayAddress[] {
  if (text === undefined) return [];
  const relay = parseRelayAddress(text);
  if (!relay.ok) throw new CommandFailure(relay.error.code, relay.error.because);
  return [relay.value];
}

/** T07: a positive number of whole seconds, or nothing. */
function readPurgeInterval(text: string | undefined): { readonly purgeInterval?: number } {
  if (text === undefined) return {};
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds > 0) return { purgeInterval: seconds * SECOND };
  throw new CommandFailure(
    'usage',
    `--purge-interval takes whole seconds from 1 to 999999, not ${text}.`,
    STATUS_USAGE,
  );
}
