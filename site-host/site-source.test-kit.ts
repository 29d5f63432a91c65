// A commons of one validator with one site in it, for tests of visitors: versions, owners and leases change, records are proven.

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { HandleLease } from '../shared/ledger/records.ts';
import type { SiteFile } from './bundle.ts';
import type { SiteId } from './local-url.ts';
import { tipOf, type Block } from '../shared/chain/block.ts';
import { createTestGroup, testBlock } from '../shared/chain/chain.test-kit.ts';
import { encodeUtf8 } from '../shared/codec/base.ts';
import { assert } from '../shared/core/assert.ts';
import { parseSiteLabel } from '../shared/ledger/handle-grammar.ts';
import { encodeRecord, HANDLE, SITE } from '../shared/ledger/records.ts';
import { EMPTY_TREE, treeRoot, updateTree, type Tree } from '../shared/ledger/tree.ts';
import { prove } from '../shared/light-client/light-client.test-kit.ts';
import { encodeResolution } from '../shared/light-client/resolution.ts';
import { siteKeys } from '../shared/light-client/site-record.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { bundleSite } from './bundle.ts';

const YEAR: Millis = 365 * 86_400_000;

export type SiteWorld = ReturnType<typeof createSiteWorld>;

export function createSiteWorld({ label = 'alice', now = Date.now() }: { label?: string; now?: Millis } = {}) {
  const parsed = parseSiteLabel(label);
  assert(parsed.ok, 'the label of the test is good');
  const site: SiteId = parsed.value;
  const group = createTestGroup(1);
  const owner = group.founding.genesis.members[0]!.identity;
  const blocks = new Map<Cid, Uint8Array>();
  let tree: Tree = EMPTY_TREE;
  let block: Block | null = null;
  let seq = 0;
  let lease: HandleLease = { owner, generation: 1, lease: now + YEAR, sites: [] };
  setLease({});

  function write(records: ReadonlyMap<string, Uint8Array | null>): void {
    tree = updateTree(tree, records);
    block = testBlock(group, block ? tipOf(block) : group.tip, { stateRoot: treeRoot(tree) });
  }

  function setLease(change: Partial<HandleLease>): void {
    lease = { ...lease, ...change };
    write(new Map([[HANDLE.key(site.handle), encodeRecord(HANDLE, lease)]]));
  }

  return {
    site,
    group: group.rules.group,
    genesis: group.genesis,
    /** Every block of every version. */
    blocks,
    setLease,
    /** The newest height. */
    height: (): number => block!.header.height,
    async publish(files: Readonly<Record<string, string | Uint8Array>>): Promise<Cid> {
      const bundle = await bundleSite({
        files: Object.entries(files).map(([path, body]): SiteFile => ({
          path,
          body: typeof body === 'string' ? encodeUtf8(body) : body,
        })),
        now,
        hasher: createWebHasher(),
        putBlocks: async (made) => made.forEach(({ cid, bytes }) => void blocks.set(cid, bytes)),
      });
      assert(bundle.ok, 'the site of the test is good');
      seq += 1;
      write(new Map([[SITE.key(site), encodeRecord(SITE, { manifest: bundle.value.cid, seq })]]));
      return bundle.value.cid;
    },
    unpublish(): void {
      seq += 1;
      write(new Map([[SITE.key(site), encodeRecord(SITE, { manifest: null, seq })]]));
    },
    /** What a full node answers about the site now. */
    async resolution(statusTime: Millis = now): Promise<Uint8Array> {
      return encodeResolution(await prove({ group, tree, block: block!, statusTime }, siteKeys(site)));
    },
  };
}
