// weft serve: shows a folder as it will be once published, with the same manifest, checks and answers; nothing leaves this machine.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import type { BlobStore } from '../../shared/platform/ports.ts';
import { bundleSite, type SiteBundle, type SiteFile } from '../../site-host/bundle.ts';
import { openFolderBlobStore } from '../platform/folder-blob-store.ts';
import { listSiteFolder } from '../site-folder.ts';
import { listenForSite, type SiteListener } from '../site-listener.ts';
import { type Command, CommandFailure, optionText } from './command.ts';

const DEFAULT_PORT = '8080';

export const SERVE: Command = {
  name: 'serve',
  summary: 'Shows a folder as the site it will be once published, on this machine only, until Ctrl-C.',
  usage: 'FOLDER [--port N]',
  options: { port: { type: 'string', about: `port on loopback (${DEFAULT_PORT}; 0 takes a free one)` } },
  examples: ['serve ./public', 'serve ./public --port 0 --json'],
  takes: 1,
  async run({ positionals, options, answer }) {
    const port = Number(optionText(options, 'port') ?? DEFAULT_PORT);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new CommandFailure('port_invalid', 'A port is a number from 0 to 65535.');
    }
    const folder = resolve(positionals[0]!);
    const place = await mkdtemp(join(tmpdir(), 'weft-serve-'));
    try {
      const blobs = await openFolderBlobStore(place);
      const bundle = await bundleFolder(folder, blobs);
      const listener = await listen(bundle, blobs, port);
      const url = `http://localhost:${listener.port}/`;
      const { cid, files, bytes } = bundle;
      const warnings = bundle.warnings.map(({ code, because }) => ({ code, because }));
      const lines = [`${url} shows ${folder}: ${countOf(files, 'file')}, ${countOf(bytes, 'byte')}; Ctrl-C stops it`];
      answer({
        value: { url, folder, manifest: cid, files, bytes, warnings },
        text: [...lines, ...warnings.map(({ because }) => `warning: ${because}`)].join('\n'),
      });
      await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
      await listener.close();
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  },
};

async function bundleFolder(folder: string, blobs: BlobStore): Promise<SiteBundle> {
  let files: SiteFile[];
  try {
    files = await listSiteFolder(folder);
  } catch {
    throw new CommandFailure('folder_unreadable', `${folder} cannot be read: name a folder of this machine.`);
  }
  const bundle = await bundleSite({
    files,
    now: Date.now(),
    hasher: createWebHasher(),
    putBlocks: (blocks) => blobs.putMany(blocks),
  });
  if (!bundle.ok) throw new CommandFailure(bundle.error.code, bundle.error.because);
  return bundle.value;
}

async function listen({ manifest, cid }: SiteBundle, blobs: BlobStore, port: number): Promise<SiteListener> {
  try {
    return await listenForSite({ manifest, cid, blobs, hasher: createWebHasher() }, port);
  } catch {
    throw new CommandFailure('port_taken', `Port ${port} is not free: name another with --port.`);
  }
}

function countOf(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
