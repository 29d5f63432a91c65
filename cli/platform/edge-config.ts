// From wrangler.toml, the one truth about the edge, to what miniflare is told; a setting that would be lost is an error.

import { dirname, join } from 'node:path';
import type { MiniflareOptions } from 'miniflare';
import { readToml, type TomlTable, type TomlValue } from './read-toml.ts';

type DurableObject = { readonly binding: string; readonly className: string; readonly sqlite: boolean };

export type EdgeConfig = {
  readonly name: string;
  /** Path of the built worker, from the project's root. */
  readonly main: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly durableObjects: readonly DurableObject[];
  /** Bucket by binding. */
  readonly buckets: Readonly<Record<string, string>>;
  readonly assets: { readonly directory: string; readonly binding: string; readonly workerFirst: boolean } | undefined;
  readonly vars: Readonly<Record<string, string>>;
};

/** Mapped below, or of no meaning for an edge on this machine. */
const KNOWN_SETTINGS: ReadonlySet<string> = new Set(
  (
    'name main compatibility_date compatibility_flags no_bundle build rules vars durable_objects migrations r2_buckets ' +
    'assets account_id routes workers_dev preview_urls observability env limits placement'
  ).split(' '),
);

/** `text` is wrangler.toml. Throws with a sentence when it says something the local edge could not follow. */
export function readEdgeConfig(text: string): EdgeConfig {
  const file = readToml(text);
  for (const key of Object.keys(file)) {
    if (!KNOWN_SETTINGS.has(key)) throw new Error(`wrangler.toml: the local edge does not know "${key}"`);
  }
  const sqliteClasses = tables(file['migrations']).flatMap((migration) => strings(migration['new_sqlite_classes']));
  return {
    name: string(file, 'name'),
    main: string(file, 'main'),
    compatibilityDate: string(file, 'compatibility_date'),
    compatibilityFlags: strings(file['compatibility_flags']),
    durableObjects: tables(table(file['durable_objects'])['bindings']).map((object) => ({
      binding: string(object, 'name'),
      className: string(object, 'class_name'),
      sqlite: sqliteClasses.includes(string(object, 'class_name')),
    })),
    buckets: Object.fromEntries(
      tables(file['r2_buckets']).map((bucket) => [string(bucket, 'binding'), string(bucket, 'bucket_name')]),
    ),
    assets: file['assets'] === undefined ? undefined : readAssets(table(file['assets'])),
    vars: Object.fromEntries(Object.keys(table(file['vars'])).map((name) => [name, string(table(file['vars']), name)])),
  };
}

export type LocalEdge = {
  readonly root: string;
  readonly port: number;
  /** Where Durable Objects and blobs are kept; without it they end with the process. */
  readonly persist?: string;
  /** Replace those of wrangler.toml. */
  readonly vars: Readonly<Record<string, string>>;
};

/** Loopback only: `localhost` and every `*.localhost` lead there in a browser. */
export function edgeOptions(config: EdgeConfig, { root, port, persist, vars }: LocalEdge): MiniflareOptions {
  const { assets } = config;
  return {
    name: config.name,
    host: '127.0.0.1',
    port,
    // No look-up of a pretended location: works offline, and says so by not asking.
    cf: false,
    modules: true,
    modulesRoot: join(root, dirname(config.main)),
    scriptPath: join(root, config.main),
    compatibilityDate: config.compatibilityDate,
    compatibilityFlags: [...config.compatibilityFlags],
    // It listens on loopback alone: a client without an address cannot be from elsewhere.
    bindings: { ...config.vars, UNNAMED_CLIENTS: 'local', ...vars },
    durableObjects: Object.fromEntries(
      config.durableObjects.map(({ binding, className, sqlite }) => [binding, { className, useSQLite: sqlite }]),
    ),
    r2Buckets: { ...config.buckets },
    ...(persist === undefined ? {} : { defaultPersistRoot: persist }),
    ...(assets === undefined
      ? {}
      : {
          assets: {
            directory: join(root, assets.directory),
            binding: assets.binding,
            routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: assets.workerFirst },
            assetConfig: { html_handling: 'none', not_found_handling: 'none' },
          },
        }),
  };
}

function readAssets(assets: TomlTable): NonNullable<EdgeConfig['assets']> {
  for (const setting of ['html_handling', 'not_found_handling']) {
    if (assets[setting] !== 'none') throw new Error(`wrangler.toml: the worker expects assets.${setting} = "none"`);
  }
  return {
    directory: string(assets, 'directory'),
    binding: string(assets, 'binding'),
    workerFirst: assets['run_worker_first'] === true,
  };
}

function string(holder: TomlTable, key: string): string {
  const value = holder[key];
  if (typeof value !== 'string') throw new Error(`wrangler.toml: "${key}" must be a string`);
  return value;
}

function strings(value: TomlValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function table(value: TomlValue | undefined): TomlTable {
  return typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function tables(value: TomlValue | undefined): TomlTable[] {
  return Array.isArray(value) ? value.map(table) : [];
}
