// weft found: makes the commons of a data folder, or shows the one that is there. Needs no network.

import type { Command } from './command.ts';
import { dataFolder, FOLDER_OPTIONS } from './data-folder.ts';

export const FOUND: Command = {
  name: 'found',
  summary: 'Founds the commons of a data folder, once; shows what an edge needs to serve it.',
  usage: '[--data FOLDER]',
  options: FOLDER_OPTIONS,
  examples: ['found', 'found --data ./mesh --json'],
  takes: 0,
  async run({ options, answer }) {
    // A whole node: only these commands pay for loading it.
    const { foundCommons } = await import('../run-headless.ts');
    const folder = dataFolder(options);
    const { commons, genesis, isNew } = await foundCommons(folder);
    const text = `${isNew ? 'founded' : 'found'} in ${folder}\nCOMMONS=${commons}\nGENESIS=${genesis}`;
    answer({ text, value: { commons, genesis, isNew } });
  },
};
