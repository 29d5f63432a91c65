// The weft command: finds the command, reads its options, and turns every outcome into text or JSON and a status.

import { parseArgs } from 'node:util';
import { type Command, CommandFailure, STATUS_FAILED, STATUS_USAGE } from './commands/command.ts';
import { EXPORT } from './commands/export.ts';
import { FOUND } from './commands/found.ts';
import { RESOLVE } from './commands/resolve.ts';
import { RUN } from './commands/run.ts';
import { SERVE } from './commands/serve.ts';
import { STATUS } from './commands/status.ts';
import { VERIFY_TX } from './commands/verify-tx.ts';
import { StoreError } from '../shared/platform/ports.ts';
import { messageOf } from '../shared/core/message-of.ts';

const COMMANDS: readonly Command[] = [FOUND, RUN, SERVE, STATUS, RESOLVE, EXPORT, VERIFY_TX];
const COMMON_OPTIONS = {
  json: { type: 'boolean', about: 'one JSON object a line' },
  help: { type: 'boolean', about: 'this text' },
} as const;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const asked = name === undefined || name === 'help' || name === '--help';
    if (!asked) console.error(`There is no command "${name}".\n`);
    (asked ? console.log : console.error)(overview());
    return asked ? 0 : STATUS_USAGE;
  }
  const json = rest.includes('--json');
  try {
    const { values, positionals } = read(command, rest);
    if (values['help'] === true) {
      console.log(describe(command));
      return 0;
    }
    if (positionals.length !== command.takes) {
      throw new CommandFailure('usage', `weft ${command.name} ${command.usage}`, STATUS_USAGE);
    }
    const answer = ({ text, value }: { text: string; value: unknown }): void =>
      console.log(json ? JSON.stringify(value) : text);
    await command.run({ positionals, options: values, answer });
    return 0;
  } catch (error) {
    return report(error, json);
  }
}

function read(
  command: Command,
  args: string[],
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const known = { ...command.options, ...COMMON_OPTIONS };
  const options = Object.fromEntries(Object.entries(known).map(([option, { type }]) => [option, { type }]));
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    return { values, positionals };
  } catch (error) {
    const because = messageOf(error);
    throw new CommandFailure('usage', `${because}\nUsage: weft ${command.name} ${command.usage}`, STATUS_USAGE);
  }
}

function report(error: unknown, json: boolean): number {
  const known = error instanceof CommandFailure || error instanceof StoreError;
  const code = known ? error.code : 'failed';
  const because = messageOf(error);
  // Scripts read failures where they read results.
  if (json) console.log(JSON.stringify({ code, because }));
  else console.error(because);
  return error instanceof CommandFailure ? error.status : STATUS_FAILED;
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ['Usage: npx weft COMMAND [--json] [--help]', '', ...lines].join('\n');
}

function describe({ name, usage, summary, options, examples }: Command): string {
  const known = Object.entries({ ...options, ...COMMON_OPTIONS });
  const width = Math.max(...known.map(([option]) => option.length));
  return [
    `weft ${name} ${usage}`,
    summary,
    '',
    ...known.map(([option, { about }]) => `  --${option.padEnd(width)}  ${about}`),
    '',
    ...examples.map((example) => `  npx weft ${example}`),
  ].join('\n');
}

process.exitCode = await main(process.argv.slice(2));
