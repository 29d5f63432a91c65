// A large group that has handed over to new validators once: what proves a balance and a site in it, and what forgers would give instead.

import { encodeHeader, type Block, type Header } from '../chain/block.ts';
import { encodeCertificate, type Certificate } from '../chain/certificate.ts';
import { certifyBlock, createTestGroup, testBlock, testSigner, type TestGroup } from '../chain/chain.test-kit.ts';
import { createStatus, encodeStatus } from '../chain/status.ts';
import { createValidatorSet, encodeValidatorSet, validatorAt } from '../chain/validator-set.ts';
import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { ACCOUNT, type Account } from '../ledger/account-records.ts';
import { encodeRecord, HANDLE, SITE } from '../ledger/records.ts';
import { EMPTY_TREE, proveKey, readTree, treeRoot, updateTree, type Tree } from '../ledger/tree.ts';
import { alice, LEASE, MANIFEST } from './light-client.test-kit.ts';
import { encodeResolution, type Resolution } from './resolution.ts';
import { encodeSeal } from './seals.ts';
import { siteKeys } from './site-record.ts';

const BALANCE = 1_234_567n;
/** Other keys in the state, so that proofs have the depth of a group in use. */
const OTHER_KEYS = 10_000;

export type SealedGroup = {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  /** Id of the seal. */
  readonly seal: Cid;
  readonly sealHeight: number;
  readonly now: number;
  /** What is asked for: a site. Its handle and a balance come along. */
  readonly siteKey: string;
  readonly balanceKey: string;
  readonly resolution: Uint8Array;
  /** Signatures in it: of two certificates and of the status. */
  readonly signatures: number;
  /** By what is wrong with them, each with the code that refuses it. */
  readonly forged: Readonly<Record<string, { readonly resolution: Uint8Array; readonly code: string }>>;
};

/** `n` validators at first, and as many others after them. */
export async function createSealedGroup(n: number, f: number): Promise<SealedGroup> {
  const retired = createTestGroup(n, f);
  const current = handOver(retired, n, 'successor');
  const seal = testBlock(retired, retired.tip, { nextValidators: current.rules.set.id });
  const { tree, balanceKey } = createState(retired);
  const block = blockOn(seal, current, tree);
  const seals = [await sealOf(retired, seal, current)];
  const proven = { keys: [...siteKeys(alice), balanceKey], tree };
  const good = await resolve(current, block, { ...proven, seals });
  const certificate = await certifyBlock(current, block);
  return {
    group: retired.rules.group,
    genesis: retired.genesis,
    seal: seal.id,
    sealHeight: seal.header.height,
    now: block.header.time + 2_000,
    siteKey: siteKeys(alice)[0],
    balanceKey,
    resolution: encodeResolution(good),
    signatures: 2 * certificate.sigs.length + 1,
    forged: encodeForged({
      'missing signature': [{ ...good, certificate: encodeCertificate(withoutLast(certificate)) }, 'bad_certificate'],
      'old set': [
        { ...good, certificate: encodeCertificate(await certifyBlock(inEpoch(retired, 1), block)) },
        'bad_certificate',
      ],
      'altered proof': [{ ...good, proof: flipLast(good.proof) }, 'bad_proof'],
      'altered site': [{ ...good, value: flipLast(good.value!) }, 'bad_proof'],
      'altered balance': [
        { ...good, also: good.also.map((item) => ({ ...item, value: flipLast(item.value!) })) },
        'bad_proof',
      ],
      ...(await forgeByRetired(retired, { tree, proven, n })),
    }),
  };
}

type Forged = Record<string, [Resolution, string]>;

/** The retired keys sign on as if nothing had happened, or hand over to validators of the forger's own. */
async function forgeByRetired(
  retired: TestGroup,
  { tree, proven, n }: { tree: Tree; proven: { keys: readonly string[]; tree: Tree }; n: number },
): Promise<Forged> {
  const first = testBlock(retired, retired.tip, { stateRoot: treeRoot(tree) });
  const accomplices = handOver(retired, n, 'accomplice');
  const seal = testBlock(retired, retired.tip, { nextValidators: accomplices.rules.set.id });
  const seals = [await sealOf(retired, seal, accomplices)];
  return {
    'retired keys go on': [await resolve(retired, first, { ...proven, seals: [] }), 'bad_seal'],
    'retired keys hand over': [
      await resolve(accomplices, blockOn(seal, accomplices, tree), { ...proven, seals }),
      'bad_seal',
    ],
  };
}

function encodeForged(forged: Forged): SealedGroup['forged'] {
  return Object.fromEntries(
    Object.entries(forged).map(([name, [resolution, code]]) => [
      name,
      { resolution: encodeResolution(resolution), code },
    ]),
  );
}

function handOver(from: TestGroup, n: number, name: string): TestGroup {
  const signers = Array.from({ length: n }, (_, at) => testSigner(`${name} ${at}`));
  const set = createValidatorSet({ keys: signers.map(({ key }) => key), f: from.rules.set.f });
  assert(set.ok, 'as many keys as before');
  const inOrder = set.value.keys.map((key) => signers.find((signer) => signer.key === key)!);
  return { ...from, signers: inOrder, rules: { ...from.rules, epoch: from.rules.epoch + 1, set: set.value } };
}

function inEpoch(group: TestGroup, epoch: number): TestGroup {
  return { ...group, rules: { ...group.rules, epoch } };
}

function blockOn(seal: Block, group: TestGroup, tree: Tree): Block {
  const { height, view, time } = seal.header;
  const change: Partial<Header> = { stateRoot: treeRoot(tree) };
  return testBlock(group, { id: seal.id, height, view, time }, change);
}

async function sealOf(group: TestGroup, block: Block, next: TestGroup): Promise<Uint8Array> {
  return encodeSeal({
    header: encodeHeader(block.header),
    certificate: encodeCertificate(await certifyBlock(group, block)),
    validators: encodeValidatorSet(next.rules.set),
  });
}

async function resolve(
  group: TestGroup,
  block: Block,
  { seals, keys, tree }: { seals: readonly Uint8Array[]; keys: readonly string[]; tree: Tree },
): Promise<Resolution> {
  const [main, ...also] = keys.map((key) => ({ key, value: readTree(tree, key) ?? null, proof: proveKey(tree, key) }));
  const { epoch, view, height, time } = block.header;
  const claim = { epoch, view, height, hash: block.id, time: time + 1_000 };
  const status = await createStatus({ claim, group: group.rules.group, signer: group.signers[0]! });
  assert(status.validator === validatorAt(group.rules.set, 0), 'signers are in the order of the set');
  const certificate = encodeCertificate(await certifyBlock(group, block));
  return { v: 1, seals, header: encodeHeader(block.header), certificate, ...main!, also, status: encodeStatus(status) };
}

function createState(group: TestGroup): { tree: Tree; balanceKey: string } {
  const owner = group.founding.genesis.members[0]!.identity;
  const balanceKey = ACCOUNT.key({ asset: 'consumer', identity: owner });
  const account: Account = { balance: BALANCE };
  const records = new Map<string, Uint8Array>([
    [balanceKey, encodeRecord(ACCOUNT, account)],
    [HANDLE.key(alice.handle), encodeRecord(HANDLE, { owner, generation: 1, lease: LEASE, sites: [alice.name] })],
    [SITE.key(alice), encodeRecord(SITE, { manifest: MANIFEST, seq: 3 })],
  ]);
  for (let other = 0; other < OTHER_KEYS; other++) records.set(`quotas/${other}`, new Uint8Array([other & 0xff]));
  return { tree: updateTree(EMPTY_TREE, records), balanceKey };
}

/** One signer and its signature fewer. */
function withoutLast(certificate: Certificate): Certificate {
  const signers = Uint8Array.from(certificate.signers);
  const last = signers.findLastIndex((byte) => byte !== 0);
  signers[last] = signers[last]! & ~(1 << (31 - Math.clz32(signers[last]!)));
  return { ...certificate, signers, sigs: certificate.sigs.slice(0, -1) };
}

function flipLast(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = Uint8Array.from(bytes);
  out[out.length - 1]! ^= 1;
  return out;
}
