// weft run: the always-on node of a data folder, in the foreground: validates, pins and answers until it is stopped.

import { once } from 'node:events';
import { type Command, CommandFailure } from './command.ts';
import { dataFolder, FOLDER_OPTIONS, PROJECT_ROOT } from './data-folder.ts';
import { EDGE_OPTIONS, edgeOrigin } from './edge-client.ts';

export const RUN: Command = {
  name: 'run',
  summary: 'Runs the node of a data folder: validates its commons, pins what is published, until Ctrl-C.',
  usage: '[--data FOLDER] [--edge URL] [--alone]',
  options: {
    ...FOLDER_OPTIONS,
    ...EDGE_OPTIONS,
    alone: {
      type: 'boolean',
      about: 'sign even if nobody can say how far this node had got (a restored folder may fork)',
    },
  },
  examples: ['run', 'run --data ./mesh --edge http://localhost:8788', 'run --alone'],
  takes: 0,
  async run({ options, answer }) {
    // A whole node: only these commands pay for loading it.
    const { runHeadless } = await import('../run-headless.ts');
    const [folder, edge] = [dataFolder(options), edgeOrigin(options)];
    const node = await runHeadless({ folder, edge, root: PROJECT_ROOT, alone: options['alone'] === true });
    answer({ value: { running: true, folder, edge }, text: `running ${folder} on ${edge}; Ctrl-C stops it` });
    const ended = await Promise.race([node.failed, once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    await node.stop();
    if (ended instanceof Error) throw new CommandFailure('store_failed', ended.message);
  },
};
