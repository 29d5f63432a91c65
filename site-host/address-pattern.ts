// Patterns of addresses, as `_redirects` and `_headers` use them: `/blog/:year/*` (rules SI20–SI22). No regular expressions: a match costs the length of the address.

/** Takes all that follows the last slash of a pattern; its value is named `splat`. */
const SPLAT = '*';
const PLACEHOLDER = /^:[A-Za-z]\w{0,31}$/;
const REFERENCE = /:([A-Za-z]\w{0,31})/g;
/** Names that one pattern may take from an address. */
const PLACEHOLDERS_MAX = 8;

type Values = ReadonlyMap<string, string>;

/** What is wrong with a pattern, as the end of a sentence; undefined when nothing is. */
export function explainPattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'it does not begin with a slash';
  const seen = new Set<string>();
  const names = pattern.slice(1).split('/');
  for (const [at, name] of names.entries()) {
    if (name === SPLAT && at === names.length - 1) continue;
    if (name.includes(SPLAT)) return 'a * may only stand for the whole end of a path, as in /blog/*';
    if (!name.startsWith(':')) continue;
    if (!PLACEHOLDER.test(name)) return `${name} is no placeholder: write a colon, a letter, and letters or digits`;
    if (name === ':splat' || seen.has(name)) return `the placeholder ${name} is used twice`;
    seen.add(name);
  }
  return seen.size > PLACEHOLDERS_MAX ? `it has more than ${PLACEHOLDERS_MAX} placeholders` : undefined;
}

/** Whether more than one address can match. */
export function isOpenPattern(pattern: string): boolean {
  return pattern.endsWith(`/${SPLAT}`) || pattern.includes('/:');
}

/** `path` is unescaped. The values of splat and placeholders, or undefined where the pattern does not match. */
export function matchPattern(pattern: string, path: string): Values | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const values = new Map<string, string>();
  for (const [at, name] of wanted.entries()) {
    const here = given[at];
    if (here === undefined) return undefined;
    if (name === SPLAT && at === wanted.length - 1) return values.set('splat', given.slice(at).join('/'));
    if (name.startsWith(':') && here !== '') values.set(name.slice(1), here);
    else if (name !== here) return undefined;
  }
  return given.length === wanted.length ? values : undefined;
}

/** Names of the values that a target asks for. */
export function referencesOf(target: string): string[] {
  return Array.from(target.matchAll(REFERENCE), ([, name]) => name!);
}

/** The target with the values in their places; `escape` for each name between slashes, where the result is an address. */
export function fillTarget(target: string, values: Values, escape: (name: string) => string): string {
  return target.replace(REFERENCE, (reference, name: string) => {
    const value = values.get(name);
    return value === undefined ? reference : value.split('/').map(escape).join('/');
  });
}
