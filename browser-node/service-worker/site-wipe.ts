// A name that changed hands: everything the site before left on this origin goes before the new owner's first byte (VS10).

import { ORIGIN_HEADERS } from '../../site-host/failure-page.ts';
import { clearPageStorage } from './clear-page-storage.ts';
import { SITE_DATABASE } from './site-storage.ts';

/** The page that empties what a worker cannot reach says here that it has. */
export const WIPED_PATH = '/.weft/wiped';
/** A page of the owner before may hold a database open; it has been told to go. */
const DELETE_WAIT = 3_000;

/** Caches, databases and files of the origin. False when something could not be removed in time. */
export async function wipeWorkerStorage(): Promise<boolean> {
  const gone = await Promise.all([deleteCaches(), deleteDatabases(), deleteFiles()]);
  return gone.every(Boolean);
}

/** Empties the page's own storage, reports, and comes back to the address it was opened at. */
export function respondWithWipePage(): Response {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>One moment</title>
<p id="status" role="status">This name has a new owner. What the site before left in this browser is being removed.</p>
<noscript>Turn on JavaScript for this page, or clear the site data of this address, to go on.</noscript>
<script>(${clearPageStorage.toString()})();(${reportWiped.toString()})(${JSON.stringify(WIPED_PATH)})</script>
</html>
`;
  return new Response(page, {
    status: 503,
    headers: {
      ...ORIGIN_HEADERS,
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'",
      'content-type': 'text/html; charset=utf-8',
      // Browsers that heed it on an answer of a worker also remove what no script can list.
      'clear-site-data': '"cache", "cookies", "storage"',
      'weft-code': 'owner_changed',
    },
  });
}

/**
 * Printed into the page, so it uses nothing outside itself. It comes back only when the worker is done (or gone), so never in a
 * loop; while something is held it asks again, so that closing the other tabs is all there is to do.
 */
function reportWiped(path: string): void {
  const later = (): void => {
    document.getElementById('status')!.textContent =
      'This name has a new owner, and another tab still uses what the site before left here. Close the other tabs of this address: this one then goes on by itself.';
    setTimeout(report, 2_000);
  };
  const report = (): void => {
    fetch(path, { method: 'POST' }).then((answer) => (answer.status < 500 ? location.reload() : later()), later);
  };
  report();
}

async function deleteCaches(): Promise<boolean> {
  try {
    const names = await caches.keys();
    return (await Promise.all(names.map((name) => caches.delete(name)))).every(Boolean);
  } catch {
    return true;
  }
}

async function deleteDatabases(): Promise<boolean> {
  let all: IDBDatabaseInfo[] = [];
  try {
    all = await indexedDB.databases();
  } catch {
    // Some browsers do not tell.
  }
  const names = all.flatMap(({ name }) => (name === undefined || name === SITE_DATABASE ? [] : [name]));
  return (await Promise.all(names.map(deleteDatabase))).every(Boolean);
}

function deleteDatabase(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), DELETE_WAIT);
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('success', () => resolve(true));
    request.addEventListener('error', () => resolve(false));
  });
}

type Entries = {
  keys(): AsyncIterable<string>;
  removeEntry(name: string, options: { recursive: true }): Promise<void>;
};

async function deleteFiles(): Promise<boolean> {
  try {
    const root = (await navigator.storage.getDirectory()) as unknown as Entries;
    const names: string[] = [];
    for await (const name of root.keys()) names.push(name);
    await Promise.all(names.map((name) => root.removeEntry(name, { recursive: true })));
    return true;
  } catch (error) {
    // Where there is no such storage there is nothing in it.
    return !(error instanceof DOMException) || error.name !== 'NoModificationAllowedError';
  }
}
