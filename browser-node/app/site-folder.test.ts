import { describe, expect, test } from 'vitest';

import { SITE_FILES_MAX } from '../../shared/core/limits.ts';
import { narrowSiteFolder, readSiteFolder, type PickedFile } from './site-folder.ts';

const pick = (...paths: string[]): PickedFile[] => paths.map((path) => ({ path, body: new Blob([path]) }));

function folderOf(...paths: string[]) {
  const folder = readSiteFolder(pick(...paths));
  if (!folder.ok) throw new Error(folder.error.because);
  return folder.value;
}

test('the folder that all files share is the title, and no part of the paths', () => {
  const folder = folderOf('/garden/index.html', '/garden/img/rose.png');
  expect(folder.title).toBe('garden');
  expect(folder.files.map((file) => file.path)).toEqual(['img/rose.png', 'index.html']);
  expect(folder).toMatchObject({ hasIndex: true, skipped: 0, bytes: '/garden/index.html/garden/img/rose.png'.length });
});

test('files dropped side by side keep their paths', () => {
  expect(folderOf('index.html', 'img/rose.png').files.map((file) => file.path)).toEqual(['img/rose.png', 'index.html']);
  expect(folderOf('a/index.html', 'ab/rose.png').title).toBe('');
});

test('hidden files, packages and clutter stay at home; .well-known goes along', () => {
  const folder = folderOf(
    'g/index.html',
    'g/.env',
    'g/.git/config',
    'g/sub/.DS_Store',
    'g/node_modules/a/index.js',
    'g/Thumbs.db',
    'g/.well-known/security.txt',
  );
  expect(folder.files.map((file) => file.path)).toEqual(['.well-known/security.txt', 'index.html']);
  expect(folder.skipped).toBe(5);
});

test('a project folder without an index offers the folders that have one, the shallowest first', () => {
  const folder = folderOf('p/package.json', 'p/docs/old/index.html', 'p/dist/index.html', 'p/dist/app.js');
  expect(folder).toMatchObject({ hasIndex: false, roots: ['dist', 'docs/old'] });
  const narrowed = narrowSiteFolder(folder, 'dist');
  expect(narrowed).toMatchObject({ ok: true, value: { title: 'dist', hasIndex: true, roots: [] } });
  expect(narrowed.ok && narrowed.value.files.map((file) => file.path)).toEqual(['app.js', 'index.html']);
});

describe('a folder is refused with a sentence', () => {
  test.each([
    ['nothing in it', [], 'folder_empty', 'There is no file in it'],
    ['only hidden files', pick('g/.env'), 'folder_empty', 'It holds only hidden files'],
    [
      'too many files',
      Array.from({ length: SITE_FILES_MAX + 1 }, (_, at) => ({ path: `g/${at}`, body: new Blob([]) })),
      'too_many_files',
      '20\u202f001',
    ],
  ])('%s', (_, files, code, part) => {
    const folder = readSiteFolder(files);
    expect(folder).toMatchObject({ ok: false, error: { code, because: expect.stringContaining(part) as string } });
  });

  test('a file beyond the limit is named', () => {
    const large = { size: 5 * 1024 ** 3 } as Blob;
    const folder = readSiteFolder([...pick('g/index.html'), { path: 'g/film.mp4', body: large }]);
    expect(folder).toMatchObject({ ok: false, error: { code: 'file_too_large' } });
    expect(!folder.ok && folder.error.because).toContain('film.mp4');
  });
});
