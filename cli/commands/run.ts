// weft run: the always-on node of a data folder, in the foreground: validates, pins and answers until it is stopped.

import { once } from 'node:events';
import { parseRelayAddress, type RelayAddress } from '../../shared/session/relay-address.ts';
import { type Command, CommandFailure, optionText } from './command.ts';
import { dataFolder, FOLDER_OPTIONS, PROJECT_ROOT } from './data-folder.ts';
import { EDGE_OPTIONS, edgeOrigin } from './edge-client.ts';

export const RUN: Command = {
  name: 'run',
  summary: 'Runs the node of a data folder: validates its commons, pins what is published, until Ctrl-C.',
  usage: '[--data FOLDER] [--edge URL] [--alone] [--announce RELAY]',
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
  },
  examples: ['run', 'run --data ./mesh --edge http://localhost:8788', 'run --alone'],
  takes: 0,
  async run({ options, answer }) {
    // A whole node: only these commands pay for loading it.
    const { runHeadless } = await import('../run-headless.ts');
    const [folder, edge] = [dataFolder(options), edgeOrigin(options)];
    const announce = readRelay(optionText(options, 'announce'));
    const node = await runHeadless({ folder, edge, root: PROJECT_ROOT, alone: options['alone'] === true, announce });
    answer({ value: { running: true, folder, edge }, text: `running ${folder} on ${edge}; Ctrl-C stops it` });
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
