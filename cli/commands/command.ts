// What a command of the command line is: its options, its examples, and what it does.

/** Exit status of a command that could not do what was asked, and of one that was asked wrongly. */
export const STATUS_FAILED = 1;
export const STATUS_USAGE = 2;

/** Options by name without dashes; a flag is present or not. */
export type CommandOptions = Readonly<Record<string, string | boolean | undefined>>;

export type Invocation = {
  readonly positionals: readonly string[];
  readonly options: CommandOptions;
  /** One result: as its text, or with --json as one line of its value. */
  answer(result: { readonly text: string; readonly value: unknown }): void;
};

export type Command = {
  readonly name: string;
  readonly summary: string;
  /** After the name: positionals and options. */
  readonly usage: string;
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly about: string }>>;
  readonly examples: readonly string[];
  /** Positionals it takes. */
  readonly takes: number;
  /** Throws CommandFailure for what a person can do something about. */
  run(invocation: Invocation): Promise<void>;
};

/** Ends a command with a stable code and a sentence that says what to do. */
export class CommandFailure extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status: number = STATUS_FAILED) {
    super(message);
    this.name = 'CommandFailure';
    this.code = code;
    this.status = status;
  }
}

/** The text given for an option, if any. */
export function optionText(options: CommandOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
