// Which file an address of a site shows: itself, the index of a folder, or the page of that name (rules SI4, SI12).

const INDEX = 'index.html';
const PAGE = '.html';

/** `move`: the address is right but for the slash at its end, which decides what relative links of the page mean. */
export type Found<R> = { readonly path: string; readonly resource: R } | { readonly move: 'add_slash' | 'drop_slash' };

/** `asked` is unescaped; what is not there as it is written is looked up in NFC. */
export function findResource<R>(resources: ReadonlyMap<string, R>, asked: string): Found<R> | undefined {
  return findWritten(resources, asked) ?? findWritten(resources, asked.normalize('NFC'));
}

function findWritten<R>(resources: ReadonlyMap<string, R>, asked: string): Found<R> | undefined {
  const isFolder = asked.endsWith('/');
  for (const path of isFolder ? [asked + INDEX] : [asked, asked + PAGE]) {
    const resource = resources.get(path);
    if (resource) return { path, resource };
  }
  if (isFolder) return resources.has(asked.slice(0, -1) + PAGE) ? { move: 'drop_slash' } : undefined;
  return resources.has(`${asked}/${INDEX}`) ? { move: 'add_slash' } : undefined;
}
