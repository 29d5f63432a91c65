// Gets the files out of what the browser hands over: a dropped folder, or one chosen in the picker.

import { SITE_FILES_MAX } from '../../shared/core/limits.ts';
import { isLeftOut, type PickedFile } from './site-folder.ts';

/**
 * Reads dropped files and folders to the bottom. The entries are taken at once: the browser empties the list when the
 * event ends. Stops early once there are more files than any site may have. Rejects with a DOMException if the system refuses a file.
 */
export function readDroppedFiles(items: DataTransferItemList): Promise<PickedFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return walkEntries(entries);
}

/** Files of `<input webkitdirectory>`; without folder support they come side by side. */
export function readPickedFiles(list: FileList): PickedFile[] {
  return [...list].map((file) => ({ path: file.webkitRelativePath || file.name, body: file }));
}

async function walkEntries(entries: readonly FileSystemEntry[]): Promise<PickedFile[]> {
  const found: PickedFile[] = [];
  const waiting = [...entries];
  for (let entry = waiting.pop(); entry !== undefined && found.length <= SITE_FILES_MAX; entry = waiting.pop()) {
    // What is left out anyway need not be walked: a folder of packages may hold 100,000 files.
    if (isDirectory(entry)) {
      if (isLeftOut(entry.name) && !entries.includes(entry)) continue;
      waiting.push(...(await readAll(entry)));
    } else if (isFile(entry)) {
      found.push({ path: entry.fullPath, body: await readFile(entry) });
    }
  }
  return found;
}

/** The browser answers with up to 100 entries at a time, and with none at the end. */
async function readAll(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function readFile(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
