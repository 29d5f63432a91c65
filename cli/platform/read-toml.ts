// Reads the part of TOML 1.0 that wrangler.toml uses (toml.io/en/v1.0.0); anything else is an error with its line.

export type TomlValue = string | number | boolean | TomlValue[] | TomlTable;
export type TomlTable = { [key: string]: TomlValue };

/** Tables, arrays of tables, dotted keys, strings on one line, integers, booleans, arrays and inline tables. */
export function readToml(text: string): TomlTable {
  const reader: Reader = { text, at: 0 };
  const root: TomlTable = Object.create(null);
  let table = root;
  for (skipBlank(reader); reader.at < text.length; skipBlank(reader)) {
    if (take(reader, '[[')) {
      table = appendTable(reader, { root, path: readPath(reader) });
      expect(reader, ']]');
    } else if (take(reader, '[')) {
      table = enterTable(reader, { root, path: readPath(reader) });
      expect(reader, ']');
    } else {
      readPair(reader, table);
    }
    endLine(reader);
  }
  return root;
}

type Reader = { readonly text: string; at: number };
type Place = { readonly root: TomlTable; readonly path: readonly string[] };

const BARE_KEY = /[A-Za-z0-9_-]+/y;
const SPACE = /[ \t]*/y;
const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const LINE_END = /[ \t]*(?:#[^\n]*)?(?:\r?\n|$)/y;
const SCALAR = /true\b|false\b|[+-]?\d(?:_?\d)*(?![\d.eE:-])/y;
const BASIC_STRING = /"(?:[^"\\\n]|\\["\\bfnrt]|\\u[0-9A-Fa-f]{4})*"/y;
const LITERAL_STRING = /'[^'\n]*'/y;

function readPair(reader: Reader, table: TomlTable): void {
  const path = readPath(reader);
  expect(reader, '=');
  match(reader, SPACE);
  const holder = enterTable(reader, { root: table, path: path.slice(0, -1) });
  const key = path.at(-1)!;
  if (key in holder) refuse(reader, `"${key}" is set twice`);
  holder[key] = readValue(reader);
}

function readPath(reader: Reader): string[] {
  const path: string[] = [];
  do {
    match(reader, SPACE);
    path.push(readString(reader) ?? match(reader, BARE_KEY) ?? refuse(reader, 'expected a key'));
    match(reader, SPACE);
  } while (take(reader, '.'));
  return path;
}

function readValue(reader: Reader): TomlValue {
  const text = readString(reader);
  if (text !== undefined) return text;
  if (take(reader, '[')) return readArray(reader);
  if (take(reader, '{')) return readInlineTable(reader);
  const scalar = match(reader, SCALAR) ?? refuse(reader, 'expected a string, a whole number, true, false, [ or {');
  return scalar === 'true' || scalar === 'false' ? scalar === 'true' : Number(scalar.replaceAll('_', ''));
}

function readString(reader: Reader): string | undefined {
  const basic = match(reader, BASIC_STRING);
  if (basic !== undefined) return JSON.parse(basic) as string;
  return match(reader, LITERAL_STRING)?.slice(1, -1);
}

function readArray(reader: Reader): TomlValue[] {
  const values: TomlValue[] = [];
  for (skipBlank(reader); !take(reader, ']'); skipBlank(reader)) {
    values.push(readValue(reader));
    skipBlank(reader);
    if (!take(reader, ',')) {
      expect(reader, ']');
      break;
    }
  }
  return values;
}

function readInlineTable(reader: Reader): TomlTable {
  const table: TomlTable = Object.create(null);
  match(reader, SPACE);
  if (take(reader, '}')) return table;
  do {
    readPair(reader, table);
    match(reader, SPACE);
  } while (take(reader, ','));
  expect(reader, '}');
  return table;
}

/** The table at `path`, made if missing; in an array of tables, its last one. */
function enterTable(reader: Reader, { root, path }: Place): TomlTable {
  let table = root;
  for (const key of path) {
    const found = (table[key] ??= Object.create(null) as TomlTable);
    const inner = Array.isArray(found) ? found.at(-1) : found;
    if (typeof inner !== 'object' || Array.isArray(inner)) return refuse(reader, `"${key}" is no table`);
    table = inner;
  }
  return table;
}

function appendTable(reader: Reader, { root, path }: Place): TomlTable {
  const holder = enterTable(reader, { root, path: path.slice(0, -1) });
  const list = (holder[path.at(-1)!] ??= []);
  if (!Array.isArray(list)) return refuse(reader, `"${path.join('.')}" is no list of tables`);
  const table: TomlTable = Object.create(null);
  list.push(table);
  return table;
}

function skipBlank(reader: Reader): void {
  match(reader, BLANK);
}

function endLine(reader: Reader): void {
  if (reader.at < reader.text.length && match(reader, LINE_END) === undefined)
    refuse(reader, 'expected the line to end');
}

function take(reader: Reader, token: string): boolean {
  if (!reader.text.startsWith(token, reader.at)) return false;
  reader.at += token.length;
  return true;
}

function expect(reader: Reader, token: string): void {
  if (!take(reader, token)) refuse(reader, `expected ${token}`);
}

/** `pattern` is sticky. */
function match(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
}

function refuse(reader: Reader, because: string): never {
  const line = reader.text.slice(0, reader.at).split('\n').length;
  throw new Error(`line ${line}: ${because}`);
}
