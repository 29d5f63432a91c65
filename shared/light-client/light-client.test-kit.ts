// A commons of one block with a site in its state, and the resolution that proves it.

import { certifyBlock, createTestGroup, testBlock, testCid, type TestGroup } from '../chain/chain.test-kit.ts';
import { encodeHeader, type Block, type Tip } from '../chain/block.ts';
import { encodeCertificate } from '../chain/certificate.ts';
import { createStatus, encodeStatus } from '../chain/status.ts';
import { parseHandle, parseSiteName, type Handle, type SiteName } from '../ledger/handle-grammar.ts';
import { encodeRecord, HANDLE, SITE } from '../ledger/records.ts';
import { EMPTY_TREE, proveKey, readTree, treeRoot, updateTree, type Tree } from '../ledger/tree.ts';
import { encodeResolution, type Resolution } from './resolution.ts';
import { siteKeys } from './site-record.ts';

export const LEASE = 1_800_000_000_000;
export const MANIFEST = testCid('manifest');

function handleOf(text: string): Handle {
  const parsed = parseHandle(text);
  if (!parsed.ok) throw new Error(parsed.error.because);
  return parsed.value;
}

function nameOf(text: string): SiteName {
  const parsed = parseSiteName(text);
  if (!parsed.ok) throw new Error(parsed.error.because);
  return parsed.value;
}

export const alice = { handle: handleOf('alice'), name: nameOf('') };
export const nobody = { handle: handleOf('nobody'), name: nameOf('') };
export const unpublished = { handle: alice.handle, name: nameOf('gone') };
export const neverPublished = { handle: alice.handle, name: nameOf('blog') };

export type Commons = {
  readonly group: TestGroup;
  readonly tree: Tree;
  readonly block: Block;
  readonly statusTime: number;
};

function createState(group: TestGroup): Tree {
  const owner = group.founding.genesis.members[0]!.identity;
  const lease = { owner, generation: 2, lease: LEASE, sites: [alice.name, unpublished.name] };
  const records = new Map<string, Uint8Array>([
    [HANDLE.key(alice.handle), encodeRecord(HANDLE, lease)],
    [SITE.key(alice), encodeRecord(SITE, { manifest: MANIFEST, seq: 3 })],
    [SITE.key(unpublished), encodeRecord(SITE, { manifest: null, seq: 2 })],
  ]);
  for (let other = 0; other < 20; other++) records.set(`quotas/${other}`, new Uint8Array([other]));
  return updateTree(EMPTY_TREE, records);
}

export function createCommons(validators = 1, parent?: Tip): Commons {
  const group = createTestGroup(validators);
  const tree = createState(group);
  const block = testBlock(group, parent ?? group.tip, { stateRoot: treeRoot(tree) });
  return { group, tree, block, statusTime: block.header.time + 1_000 };
}

export async function prove({ group, tree, block, statusTime }: Commons, keys: readonly string[]): Promise<Resolution> {
  const items = keys.map((key) => ({ key, value: readTree(tree, key) ?? null, proof: proveKey(tree, key) }));
  const [main, ...also] = items;
  const { epoch, view, height } = block.header;
  const claim = { epoch, view, height, hash: block.id, time: statusTime };
  const status = await createStatus({ claim, group: group.rules.group, signer: group.signers[0]! });
  return {
    v: 1,
    seals: [],
    header: encodeHeader(block.header),
    certificate: encodeCertificate(await certifyBlock(group, block)),
    ...main!,
    also,
    status: encodeStatus(status),
  };
}

export async function proveSite(commons: Commons, site: { handle: Handle; name: SiteName } = alice) {
  return encodeResolution(await prove(commons, siteKeys(site)));
}
