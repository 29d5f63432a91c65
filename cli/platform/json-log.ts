// The Log port as one JSON object a line, for people with grep and for machines.

import type { Clock, Log, LogFields } from '../../shared/platform/ports.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type JsonLogOptions = {
  readonly clock: Clock;
  /** Lower levels are left out. */
  readonly level: LogLevel;
  /** Takes one line without its end. */
  readonly write: (line: string) => void;
};

export function createJsonLog({ clock, level, write }: JsonLogOptions): Log {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => (event: string, fields?: LogFields) => {
    if (LOG_LEVELS.indexOf(name) < lowest) return;
    const time = new Date(clock.now()).toISOString();
    // Own fields first: none of them can pass for the time or the level of a line.
    write(JSON.stringify({ ...fields, time, level: name, event }));
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** WEFT_LOG, when it names a level; `warn` otherwise. */
export function logLevelOf(text: string | undefined): LogLevel {
  return LOG_LEVELS.find((level) => level === text) ?? 'warn';
}
