// Packs of whole leaves as files of the origin's private file system (BN27): written and read by exclusive handles, which takes a
// fraction of the processor time of the database. Nothing in here knows blocks: the database says which file holds what.

/**
 * Chromium says that a new file is there before its name is on disk. Systems write what waits after about 30 s, so from then
 * on a flush of the file is all that its bytes need.
 */
const NAME_SETTLES = 60_000;
/** Made ahead, so that as many packs find a file; more come when half of them are taken. An empty one takes a directory's entry. */
const SPARES = 64;
/** Beyond it a file that came free is removed. */
const SPARES_MAX = 512;
/** Each is a file that the system holds open. */
const HANDLES_MAX = 32;
/** Of names: the moment when the file was made, then a number. */
const NAME_DIGITS = 36;

export type FilePlace = { readonly file: string; readonly at: number; readonly length: number };

type PackFilesOptions = {
  /** Of a folder in the root of the private file system. */
  readonly folder: string;
  /** Files of which a block is held, as the database says it now. */
  readonly listUsed: () => Promise<readonly string[]>;
  readonly isUsed: (file: string) => Promise<boolean>;
};

type Handle = FileSystemSyncAccessHandle;

/** Chromium never answers what a handle was asked that nobody refers to any more when garbage is collected. */
const asked = new Set<{ readonly handle: FileSystemHandle }>();

/** So many empty files, named as if they were made then. Rejects where there is no private file system. */
export async function makeSpareFiles(folder: string, spares: { count: number; madeAt: number }): Promise<string[]> {
  const directory = await openFolder(folder);
  const names = Array.from({ length: spares.count }, (_, n) => `${spares.madeAt.toString(NAME_DIGITS)}-${n}`);
  for (const name of names) await ask(directory, (one) => one.getFileHandle(name, { create: true }));
  return names;
}

export class PackFiles {
  readonly #directory: FileSystemDirectoryHandle;
  readonly #options: PackFilesOptions;
  /** Files that hold nothing, or nothing that is needed. */
  readonly #spares: Set<string>;
  /** The least recently used first. */
  readonly #handles = new Map<string, Promise<Handle>>();
  /** Written, and not named by the database yet. */
  readonly #unnamed = new Set<string>();
  readonly #reads = new Set<Promise<unknown>>();
  /** Those that came free while another engine had them. */
  readonly #unemptied = new Set<string>();
  #isAdding = false;
  /** Named by the database, and not there. */
  readonly missing: readonly string[];

  /** Null where a worker cannot have such files (a page, a private window, an old browser). Rejects as `listUsed`. */
  static async open(options: PackFilesOptions): Promise<PackFiles | null> {
    const used = await options.listUsed();
    const names = new Set<string>();
    let directory: FileSystemDirectoryHandle;
    try {
      if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) return null;
      directory = await openFolder(options.folder);
      for await (const name of directory.keys()) names.add(name);
    } catch {
      return null;
    }
    const files = new PackFiles(options, { directory, names, used });
    void files.#emptyLeftovers();
    void files.#addSpares();
    return files;
  }

  private constructor(
    options: PackFilesOptions,
    found: { directory: FileSystemDirectoryHandle; names: ReadonlySet<string>; used: readonly string[] },
  ) {
    this.#options = options;
    this.#directory = found.directory;
    const used = new Set(found.used);
    this.#spares = new Set([...found.names].filter((name) => !used.has(name)));
    this.missing = found.used.filter((name) => !found.names.has(name));
  }

  /**
   * The name of a file that has the parts one after another, on disk; null where no file is there to take them. Rejects with a
   * QuotaExceededError. Its handle stays open until `close`, so that no other engine takes the file for an empty one.
   */
  async write(parts: readonly Uint8Array[]): Promise<string | null> {
    const taken = await this.#takeSpare();
    if (!taken) return null;
    const { name, handle } = taken;
    this.#unnamed.add(name);
    this.#keepOpen(name, Promise.resolve(handle));
    try {
      fillFile(handle, parts);
      return name;
    } catch (error) {
      await this.release([name]);
      if (error instanceof Error && error.name === 'QuotaExceededError') throw error;
      return null;
    }
  }

  /** Undefined where these bytes are not (any more). */
  async read({ file, at, length }: FilePlace): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(length);
    const read = this.#use(file, (handle) => handle.read(bytes, { at }));
    this.#reads.add(read);
    try {
      return (await read) === length ? bytes : undefined;
    } catch (error) {
      const name = error instanceof Error ? error.name : '';
      // An engine that is over may still hold the file. It can be read all the same, more slowly.
      if (name === 'NoModificationAllowedError') return await this.#readHeld({ file, at, length });
      if (name === 'NotFoundError') return undefined;
      throw error;
    } finally {
      this.#reads.delete(read);
    }
  }

  /** The database names these files by now. A handle that has written keeps more space reserved than the file takes. */
  async close(files: readonly string[]): Promise<void> {
    for (const name of files) {
      this.#unnamed.delete(name);
      const open = this.#handles.get(name);
      this.#handles.delete(name);
      (await open)?.close();
    }
  }

  /** Bytes that a file takes. */
  async size(file: string): Promise<number | undefined> {
    try {
      return (await this.#openBlob(file)).size;
    } catch {
      return undefined;
    }
  }

  /** Gives the space of files back of which nothing is held; never rejects. Whoever reads them by now comes first. */
  async release(files: readonly string[]): Promise<void> {
    await Promise.allSettled(this.#reads);
    const all = new Set([...files, ...this.#unemptied]);
    this.#unemptied.clear();
    for (const name of all) await this.#empty(name);
  }

  async #takeSpare(): Promise<{ name: string; handle: Handle } | null> {
    if (this.#spares.size <= SPARES / 2) void this.#addSpares();
    for (const name of this.#spares) {
      if (!isSettled(name)) continue;
      this.#spares.delete(name);
      const handle = await openHandle(this.#directory, name).catch(() => null);
      if (handle?.getSize() === 0) return { name, handle };
      handle?.close();
    }
    return null;
  }

  /** With the handle, nobody else can have the file; then the database has the last word on whether it is needed. */
  async #empty(name: string): Promise<void> {
    const open = this.#handles.get(name) ?? openHandle(this.#directory, name);
    this.#handles.delete(name);
    this.#unnamed.delete(name);
    try {
      const handle = await open;
      try {
        if (await this.#options.isUsed(name)) return;
        handle.truncate(0);
      } finally {
        handle.close();
      }
      if (this.#spares.size < SPARES_MAX) this.#spares.add(name);
      else await this.#directory.removeEntry(name);
    } catch (error) {
      // Another engine has it: the next release looks again, or the next engine.
      if (!(error instanceof Error && error.name === 'NotFoundError')) this.#unemptied.add(name);
    }
  }

  /** What an engine wrote that ended before the database knew of it. */
  async #emptyLeftovers(): Promise<void> {
    for (const name of this.#spares) {
      if ((await this.size(name)) !== 0 && this.#spares.delete(name)) await this.#empty(name);
    }
  }

  async #addSpares(): Promise<void> {
    const count = SPARES - this.#spares.size;
    if (this.#isAdding || count <= 0) return;
    this.#isAdding = true;
    try {
      const names = await makeSpareFiles(this.#options.folder, { count, madeAt: Date.now() });
      for (const name of names) this.#spares.add(name);
    } catch {
      // A full disk, perhaps: then packs find no file, and go into the database.
    } finally {
      this.#isAdding = false;
    }
  }

  /** What is done with a handle is done in the order asked, also its end. */
  #use<T>(name: string, work: (handle: Handle) => T): Promise<T> {
    const open = this.#handles.get(name) ?? openHandle(this.#directory, name);
    const used = open.then(work);
    this.#keepOpen(name, open);
    return used;
  }

  #keepOpen(name: string, open: Promise<Handle>): void {
    this.#handles.delete(name);
    this.#handles.set(name, open);
    open.catch(() => {
      if (this.#handles.get(name) === open) this.#handles.delete(name);
    });
    if (this.#handles.size <= HANDLES_MAX) return;
    const oldest = [...this.#handles].find(([one]) => !this.#unnamed.has(one));
    if (!oldest) return;
    this.#handles.delete(oldest[0]);
    oldest[1].then((handle) => handle.close()).catch(() => undefined);
  }

  async #openBlob(file: string): Promise<File> {
    return await ask(await this.#directory.getFileHandle(file), (one) => one.getFile());
  }

  async #readHeld({ file, at, length }: FilePlace): Promise<Uint8Array | undefined> {
    try {
      const held = await this.#openBlob(file);
      const bytes = new Uint8Array(await held.slice(at, at + length).arrayBuffer());
      return bytes.length === length ? bytes : undefined;
    } catch {
      return undefined;
    }
  }
}

/** Refers to the handle until it has answered. */
async function ask<H extends FileSystemHandle, T>(handle: H, question: (handle: H) => Promise<T>): Promise<T> {
  const held = { handle };
  asked.add(held);
  try {
    return await question(handle);
  } finally {
    asked.delete(held);
  }
}

function fillFile(handle: Handle, parts: readonly Uint8Array[]): void {
  let at = 0;
  // Said at once, so that the browser looks for the space once.
  handle.truncate(parts.reduce((sum, { length }) => sum + length, 0));
  for (const part of parts) {
    const written = handle.write(part, { at });
    if (written !== part.length) throw new DOMException('The disk took less than it was given.', 'QuotaExceededError');
    at += written;
  }
  handle.flush();
}

async function openFolder(folder: string): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return await ask(root, (one) => one.getDirectoryHandle(folder, { create: true }));
}

async function openHandle(directory: FileSystemDirectoryHandle, name: string): Promise<Handle> {
  return await ask(await directory.getFileHandle(name), (one) => one.createSyncAccessHandle());
}

/** By either direction, or a clock that was ahead and then set would leave files unused for as long. */
function isSettled(name: string): boolean {
  return Math.abs(Date.now() - Number.parseInt(name, NAME_DIGITS)) >= NAME_SETTLES;
}
