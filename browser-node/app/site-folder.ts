// What a picked folder becomes: the files of a site, what is left out and why, and what looks wrong before it is published.

import { FILE_BYTES_MAX, SITE_FILES_MAX } from '../../shared/core/limits.ts';
import { err, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { formatBytes, groupDigits } from './format.ts';

/** A file as the browser handed it over; `path` starts with the picked folder's name. */
export type PickedFile = { readonly path: string; readonly body: Blob };

export type SiteFolder = {
  /** Of the folder that was picked; '' when several things were dropped at once. */
  readonly title: string;
  readonly files: readonly PickedFile[];
  readonly bytes: number;
  /** Files left out because they are not for visitors. */
  readonly skipped: number;
  readonly hasIndex: boolean;
  /** Folders inside that have an index.html of their own, the shallowest first: offered when the top has none. */
  readonly roots: readonly string[];
};

type FolderFailure = Failure<'folder_empty' | 'too_many_files' | 'file_too_large'>;

const INDEX = 'index.html';
/** How many inner folders are worth offering. */
const ROOTS_MAX = 3;

/** Left by systems and tools beside what people made. */
const CLUTTER = new Set(['node_modules', '__MACOSX', 'Thumbs.db', 'desktop.ini']);

/** Hidden files may hold secrets (`.env`, `.git`); only `.well-known` is meant for visitors (RFC 8615). */
export function isLeftOut(segment: string): boolean {
  return CLUTTER.has(segment) || (segment.startsWith('.') && segment !== '.well-known');
}

/** Strips the folder that all share, leaves out what is not for visitors, and says what is missing. */
export function readSiteFolder(picked: readonly PickedFile[]): Result<SiteFolder, FolderFailure> {
  const cleaned = picked.map(({ path, body }) => ({ path: path.replace(/^\/+/, ''), body }));
  const title = findSharedFolder(cleaned.map(({ path }) => path));
  const files = cleaned
    .map(({ path, body }) => ({ path: title === '' ? path : path.slice(title.length + 1), body }))
    .filter(({ path }) => !path.split('/').some(isLeftOut))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return checkFiles({ title, files, skipped: picked.length - files.length });
}

/** The same site with a folder inside as its top: `dist` instead of the project around it. */
export function narrowSiteFolder(site: SiteFolder, root: string): Result<SiteFolder, FolderFailure> {
  const files = site.files
    .filter(({ path }) => path.startsWith(`${root}/`))
    .map(({ path, body }) => ({ path: path.slice(root.length + 1), body }));
  return checkFiles({ title: root.split('/').at(-1) ?? root, files, skipped: 0 });
}

function checkFiles({
  title,
  files,
  skipped,
}: Pick<SiteFolder, 'title' | 'files' | 'skipped'>): Result<SiteFolder, FolderFailure> {
  if (files.length === 0) {
    const because = skipped > 0 ? 'It holds only hidden files or packages' : 'There is no file in it';
    return err({ code: 'folder_empty', because: `${because}: choose the folder that holds your index.html.` });
  }
  if (files.length > SITE_FILES_MAX) {
    const because = `A site has at most ${groupDigits(SITE_FILES_MAX)} files; this folder has ${groupDigits(files.length)}: choose a smaller one.`;
    return err({ code: 'too_many_files', because });
  }
  const large = files.find(({ body }) => body.size > FILE_BYTES_MAX);
  if (large !== undefined) {
    const because = `${large.path} is larger than ${formatBytes(FILE_BYTES_MAX)}: leave it out or make it smaller.`;
    return err({ code: 'file_too_large', because });
  }
  return ok({
    title,
    files,
    skipped,
    bytes: files.reduce((sum, { body }) => sum + body.size, 0),
    hasIndex: files.some(({ path }) => path === INDEX),
    roots: findRoots(files),
  });
}

function findSharedFolder(paths: readonly string[]): string {
  const folder = paths[0]?.split('/')[0] ?? '';
  return folder !== '' && paths.every((path) => path.startsWith(`${folder}/`)) ? folder : '';
}

function findRoots(files: readonly PickedFile[]): string[] {
  const depth = (path: string): number => path.split('/').length;
  return files
    .filter(({ path }) => path.endsWith(`/${INDEX}`))
    .map(({ path }) => path.slice(0, -INDEX.length - 1))
    .toSorted((a, b) => depth(a) - depth(b))
    .slice(0, ROOTS_MAX);
}
