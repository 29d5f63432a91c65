// weft found: makes the commons of a data folder, alone or with the nodes of others, or shows the one that is there. Needs no network.

import type { FoundedCommons } from '../founding.ts';
import { type Command, CommandFailure, optionText } from './command.ts';
import { dataFolder, FOLDER_OPTIONS } from './data-folder.ts';

export const FOUND: Command = {
  name: 'found',
  summary: 'Founds the commons of a data folder, once; shows what an edge needs to serve it.',
  usage: '[--data FOLDER] [--offer | --with OFFER,… | --genesis BASE64]',
  options: {
    ...FOLDER_OPTIONS,
    offer: { type: 'boolean', about: 'show what somebody else needs to found a commons that this node validates too' },
    with: {
      type: 'string',
      about: 'offers of other nodes that validate it from the beginning, with commas between them',
    },
    genesis: { type: 'string', about: 'take over a commons that somebody founded with the offer of this folder' },
  },
  examples: ['found', 'found --data ./mesh --json', 'found --offer', 'found --with OFFER,OFFER'],
  takes: 0,
  async run({ options, answer }) {
    // A whole node: only these commands pay for loading it.
    const { foundCommons, offerToFound } = await import('../founding.ts');
    const folder = dataFolder(options);
    if (options['offer'] === true) {
      const offer = await offerToFound(folder);
      return answer({ text: `OFFER=${offer}`, value: { offer } });
    }
    const adopted = optionText(options, 'genesis');
    const { commons, genesis, isNew } =
      adopted === undefined
        ? await foundCommons(folder, await readOffers(optionText(options, 'with')))
        : await adopt(folder, adopted);
    const text = `${isNew ? 'founded' : 'found'} in ${folder}\nCOMMONS=${commons}\nGENESIS=${genesis}`;
    answer({ text, value: { commons, genesis, isNew } });
  },
};

async function readOffers(text: string | undefined) {
  if (text === undefined) return [];
  const { parseOffer } = await import('../../shared/node/founder-offer.ts');
  return text.split(',').map((offer) => {
    const parsed = parseOffer(offer);
    if (!parsed.ok) throw new CommandFailure(parsed.error.code, parsed.error.because);
    return parsed.value;
  });
}

async function adopt(folder: string, genesis: string): Promise<FoundedCommons> {
  const { adoptCommons } = await import('../founding.ts');
  const adopted = await adoptCommons(folder, genesis);
  if (!adopted.ok) throw new CommandFailure(adopted.error.code, adopted.error.because);
  return adopted.value;
}
