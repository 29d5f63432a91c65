// The Log port for a browser: what went wrong stands in the console, the rest is kept quiet.

import type { Log, LogFields } from '../../shared/platform/ports.ts';

export function createConsoleLog(): Log {
  const say =
    (tell: (line: string, fields: LogFields) => void) =>
    (event: string, fields: LogFields = {}) =>
      tell(`weft: ${event}`, fields);
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: say((line, fields) => console.warn(line, fields)),
    error: say((line, fields) => console.error(line, fields)),
  };
}
