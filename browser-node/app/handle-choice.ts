// Helping people to a handle: tidying what they type, saying what is wrong with it, and proposing others.

import { isReservedHandle, parseHandle } from '../../shared/ledger/handle-grammar.ts';

const LENGTH_MIN = 3;
const LENGTH_MAX = 30;
const SUGGESTIONS_MAX = 6;

/** Names of build folders say nothing about a site. */
const FOLDERS_OF_TOOLS = new Set([
  'dist',
  'build',
  'public',
  'output',
  'www',
  'html',
  'docs',
  'site',
  'src',
  'example',
]);

/** What was typed as a handle could be written: small, without `@` and accents, spaces as hyphens. */
export function tidyHandle(typed: string): string {
  return typed
    .trimStart()
    .replace(/^@/, '')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[\s_.]+/g, '-');
}

/** A sentence about what keeps a tidied text from being a handle; undefined when it is one. */
export function explainHandle(handle: string): string | undefined {
  if (/[^a-z0-9-]/.test(handle)) return 'Use small letters, digits and hyphens only.';
  if (handle.length < LENGTH_MIN) return `At least ${LENGTH_MIN} characters.`;
  if (handle.length > LENGTH_MAX) return `At most ${LENGTH_MAX} characters; this has ${handle.length}.`;
  if (handle.startsWith('-') || handle.endsWith('-')) return 'No hyphen at the start or the end.';
  if (handle.includes('--')) return 'No two hyphens in a row.';
  const parsed = parseHandle(handle);
  if (!parsed.ok) return 'This looks like the address of content: choose a name.';
  if (isReservedHandle(parsed.value)) return 'This name is kept free so that nobody is misled: choose another.';
  return undefined;
}

/** Other handles close to the wanted one; whether they are free is for the network to say. */
export function suggestHandles(wanted: string): string[] {
  const stem = wanted
    .replace(/[^a-z0-9-]/g, '')
    .replace(/-+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, LENGTH_MAX - 6);
  if (stem === '') return [];
  const candidates = [`${stem}-site`, `the-${stem}`, `hello-${stem}`, `${stem}-web`, `${stem}-home`, `${stem}-one`];
  return candidates.filter((handle) => explainHandle(handle) === undefined).slice(0, SUGGESTIONS_MAX);
}

/** A first proposal from the folder's name; undefined when that says nothing. */
export function proposeHandle(title: string): string | undefined {
  const handle = tidyHandle(title)
    .replace(/[^a-z0-9-]/g, '')
    .replace(/-+/g, '-')
    .slice(0, LENGTH_MAX)
    .replace(/^-|-$/g, '');
  return FOLDERS_OF_TOOLS.has(handle) || explainHandle(handle) !== undefined ? undefined : handle;
}
