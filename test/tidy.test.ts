// Reads the project's own source and reports what goes against the house (DESIGN §3) and the style.

import { describe, expect, test } from 'vitest';

import {
  findBadNames,
  findCycles,
  findDeadFiles,
  findForeignPlaces,
  findLayerViolations,
  findLongFiles,
  findPackageViolations,
  findStaleExceptions,
  findStyleViolations,
  listBrowserPackages,
  listRuntimePackages,
  type Lockfile,
} from './tidy-rules.ts';
import {
  createPage,
  createSourceFile,
  hasFile,
  isTest,
  readCode,
  readPages,
  readProjectFile,
  readTexts,
} from './tidy-source.ts';

/** What a browser or an edge gets, with all it needs. */
const SHIPPED_PACKAGES_MAX = 40;
/** With what starts a mesh on one's own machine: miniflare alone brings about twenty. */
const RUNTIME_PACKAGES_MAX = 50;

const files = readCode();
const paths = files.map((file) => file.path);
const lock = JSON.parse(readProjectFile('package-lock.json')) as Lockfile;

/** What people and tools start: the scripts of package.json and its commands, and benchmarks, which go by name. */
function listStarted(): string[] {
  const manifest = JSON.parse(readProjectFile('package.json')) as {
    scripts: Record<string, string>;
    bin: Record<string, string>;
  };
  const words = Object.values(manifest.scripts).flatMap((command) => command.split(' '));
  return [...words, ...Object.values(manifest.bin), ...paths.filter((path) => /^bench\/[^/]+$/.test(path))];
}

describe('the source', () => {
  test('is found', () => {
    expect(files.length).toBeGreaterThan(40);
    for (const folder of [
      'shared/core/',
      'shared/codec/',
      'shared/crypto/',
      'worker/',
      'browser-node/',
      'cli/',
      'test/',
    ]) {
      expect(paths.filter((path) => path.startsWith(folder)).length, folder).toBeGreaterThan(0);
    }
    expect(files.flatMap((file) => file.imports).length).toBeGreaterThan(100);
    expect(paths.filter((path) => !isTest(path)).length).toBeGreaterThan(25);
  });

  test('keeps to the arrows of DESIGN §3', () => expect(findLayerViolations(files)).toEqual([]));
  test('imports in no circle', () => expect(findCycles(files)).toEqual([]));
  test('imports each package only where it has its job', () => expect(findPackageViolations(files)).toEqual([]));
  test('has no overlong file', () => expect([...findLongFiles(files), ...findStaleExceptions(files)]).toEqual([]));
  test('has telling file names', () => expect(findBadNames(paths)).toEqual([]));
  test('keeps to the style', () => expect(findStyleViolations(files)).toEqual([]));
  test('has no dead file', () => expect(findDeadFiles([...files, ...readPages()], listStarted())).toEqual([]));

  test('is not tied to a machine or a package host', () => {
    const texts = readTexts();
    expect(texts.length).toBeGreaterThan(files.length);
    expect(findForeignPlaces(texts)).toEqual([]);
  });
});

describe('the dependencies', () => {
  test(`are at most ${SHIPPED_PACKAGES_MAX} where they ship, and ${RUNTIME_PACKAGES_MAX} with the local mesh`, () => {
    const shipped = listBrowserPackages(files, lock);
    expect(shipped.length, shipped.join(' ')).toBeLessThanOrEqual(SHIPPED_PACKAGES_MAX);
    const names = listRuntimePackages(lock);
    expect(names).toContain('hono');
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(RUNTIME_PACKAGES_MAX);
  });

  test('run no install script where they ship to a browser', () => {
    const shipped = listBrowserPackages(files, lock);
    expect(shipped).toContain('@noble/hashes');
    expect(shipped.filter((name) => lock.packages[`node_modules/${name}`]?.hasInstallScript)).toEqual([]);
  });

  test('are pinned without the address of a registry', () => {
    expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.resolved !== undefined)).toEqual([]);
    const unpinned = Object.entries({ ...manifestOf('dependencies'), ...manifestOf('devDependencies') });
    expect(unpinned.length).toBeGreaterThan(10);
    expect(unpinned.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('come with a licence for ours', () => expect(hasFile('LICENSE')).toBe(true));
});

function manifestOf(field: 'dependencies' | 'devDependencies'): Record<string, string> {
  return (JSON.parse(readProjectFile('package.json')) as Record<typeof field, Record<string, string>>)[field];
}

describe('the rules notice', () => {
  const quoted = (specifier: string) => `'${specifier}'`;
  const sample = (path: string, text: string) => createSourceFile(path, text);

  test('an import against the arrows', () => {
    const low = sample('shared/codec/low.ts', "import { a } from '../session/high.ts';");
    const high = sample(
      'shared/session/high.ts',
      "import { b } from '../codec/low.ts';\nimport('../platform/web/x.ts')",
    );
    const web = sample('shared/platform/web/x.ts', "export * from '../../../worker/y.ts'");
    const worker = sample(
      'worker/y.ts',
      `import '../browser-node/z.ts'; new URL(${quoted('./gone.ts')}, import.meta.url);`,
    );
    const found = findLayerViolations([low, high, web, worker, sample('browser-node/z.ts', '')]);
    expect(found.map((line) => line.split(' ')[0])).toEqual([
      'shared/codec/low.ts',
      'shared/session/high.ts',
      'shared/platform/web/x.ts',
      'worker/y.ts',
      'worker/y.ts',
    ]);
    expect(findCycles([low, high])).toHaveLength(1);
    expect(findCycles([low, sample('shared/session/high.ts', "import type { b } from '../codec/low.ts';")])).toEqual(
      [],
    );
  });

  test('imports over several lines, and none in comments', () => {
    const file = sample(
      'cli/a.ts',
      "import {\n  a,\n  type B,\n} from './b.ts';\n// import './c.ts';\nimport type { D } from 'd';\nconst program = 'import(\"e\")';",
    );
    expect(file.imports).toEqual(['./b.ts', 'd']);
  });

  test('a package out of place', () => {
    const core = sample(
      'shared/core/a.ts',
      "import 'hono/tiny';\nimport 'node:fs';\nimport '@noble/curves/ed25519.js';",
    );
    expect(findPackageViolations([core, sample('worker/b.ts', "import 'hono';")])).toHaveLength(3);
  });

  test('long files, empty names and bad habits', () => {
    expect(findLongFiles([sample('a.ts', '\n'.repeat(401)), sample('b.ts', '\n'.repeat(400))])).toHaveLength(1);
    expect(
      findBadNames([
        'cli/utils.ts',
        'shared/data/a.ts',
        'cli/fooBar.ts',
        'cli/data-folder.ts',
        'cli/file-store.test.ts',
      ]),
    ).toHaveLength(3);
    const habits = sample(
      'a.ts',
      'const program = `\nexport default 2`;\nexport default 1;\nclass A extends B {}\nclass C extends Error {}',
    );
    expect(findStyleViolations([habits, sample('b.ts', "// all\nexport * from './a.ts';")])).toHaveLength(4);
  });

  test('files that nothing reaches, or only a test', () => {
    const samples = [
      sample('cli/build.ts', "const entries = ['browser-node/app/main.tsx', 'cli/page.html'];"),
      sample('browser-node/app/main.tsx', "import './used.ts';"),
      createPage('cli/page.html', '<script type="module" src="./started.ts"></script>'),
      sample('cli/started.ts', ''),
      sample('browser-node/app/used.ts', ''),
      sample('cli/old.ts', ''),
      sample('cli/tested.ts', ''),
      sample('cli/tested.test.ts', "import './tested.ts'; import '../test/kit.ts';"),
      sample('test/kit.ts', ''),
      sample('test/unused-kit.ts', ''),
    ];
    expect(findDeadFiles(samples, ['cli/build.ts']).map((line) => line.split(' ')[0])).toEqual([
      'cli/old.ts',
      'cli/tested.ts',
      'test/unused-kit.ts',
    ]);
  });

  test('a path of one machine', () => {
    const texts = [
      { path: 'a.ts', text: `const folder = '${['', 'home', 'ann'].join('/')}';` },
      { path: 'b.md', text: `see https://${['registry', 'example', 'org'].join('.')}/x` },
      { path: 'c.ts', text: "fetch('/.weft/resolve')" },
    ];
    expect(findForeignPlaces(texts)).toHaveLength(2);
  });
});
