// Which data folder a command works on: --data, WEFT_DATA, or .weft of the project.

import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandOptions, optionText } from './command.ts';

export const PROJECT_ROOT: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const FOLDER_OPTIONS = {
  data: { type: 'string', about: 'data folder (WEFT_DATA, or .weft of the project)' },
} as const;

export function dataFolder(options: CommandOptions): string {
  const given = optionText(options, 'data');
  if (given !== undefined) return resolve(given);
  return resolve(PROJECT_ROOT, process.env['WEFT_DATA'] || '.weft');
}
