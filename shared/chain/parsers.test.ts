// What comes from outside: header, certificate, status, certified block and genesis parsers never throw, and take one form only.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { equalBytes } from '../core/bytes.ts';
import { GENESIS_BYTES_MAX, HEADER_BYTES_MAX } from '../core/limits.ts';
import type { Result } from '../core/result.ts';
import { createBlock, decodeHeader, encodeHeader } from './block.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock } from './certified-block.ts';
import { decodeCertificate, encodeCertificate } from './certificate.ts';
import { certifyBlock, createTestGroup, testBlock, testCid, testGenesis, testSigner } from './chain.test-kit.ts';
import { decodeGenesis, encodeGenesis, genesisTip } from './genesis.ts';
import { createStatus, decodeStatus, encodeStatus } from './status.ts';
import { decodeLogRecord, encodeLogRecord } from './vote-log.ts';

const group = createTestGroup(4, 1);
const feed = '00000000000000aa' as never;
const cut = [{ feed, from: 3, to: 4, head: testCid('entry 4') }];
const block = testBlock(group, group.tip, { cut });
const certificate = await certifyBlock(group, block);
const entries = [encodeUtf8('entry 3'), encodeUtf8('entry 4')];
const status = await createStatus({
  claim: { epoch: 0, view: 1, height: 1, hash: block.id, time: 5 },
  group: group.rules.group,
  signer: group.signers[0]!,
});

type Parser = {
  readonly name: string;
  readonly good: Uint8Array;
  readonly read: (bytes: Uint8Array) => Result<unknown, { code: string }>;
  readonly write: (value: never) => Uint8Array;
};

const parsers: Parser[] = [
  {
    name: 'header',
    good: encodeHeader(block.header),
    read: decodeHeader,
    write: (value: typeof block) => encodeHeader(value.header),
  },
  { name: 'certificate', good: encodeCertificate(certificate), read: decodeCertificate, write: encodeCertificate },
  { name: 'status', good: encodeStatus(status), read: decodeStatus, write: encodeStatus },
  {
    name: 'certified block',
    good: encodeCertifiedBlock({ block, certificate, entries }),
    read: decodeCertifiedBlock,
    write: encodeCertifiedBlock,
  },
  {
    name: 'genesis',
    good: group.genesis,
    read: decodeGenesis,
    write: (value: typeof group.founding) => encodeGenesis(value.genesis),
  },
  {
    name: 'log record',
    good: encodeLogRecord({ sort: 'block', block }).value,
    read: decodeLogRecord,
    write: (value: never) => encodeLogRecord(value).value,
  },
];

/** Whatever is accepted is the one encoding of what was read. */
function expectOneForm({ read, write }: Parser, bytes: Uint8Array): void {
  const result = read(bytes);
  if (result.ok) expect(equalBytes(write(result.value as never), bytes)).toBe(true);
  else expect(result.error.code).toMatch(/^[a-z_]+$/);
}

describe.each(parsers)('the $name parser', (parser) => {
  test('CH6: reads what it writes', () => {
    const read = parser.read(parser.good);
    expect(read.ok && equalBytes(parser.write(read.value as never), parser.good)).toBe(true);
  });

  test('CH6: never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => expectOneForm(parser, bytes)),
      { numRuns: FUZZ_CASES },
    );
  });

  test('CH6: never throws on damaged bytes, and accepts only what is canonical', () => {
    const at = fc.nat({ max: parser.good.length - 1 });
    const change = fc.array(fc.tuple(at, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(change, fc.nat({ max: parser.good.length }), fc.boolean(), (changes, length, shorten) => {
        const bytes = parser.good.slice(0, shorten ? length : undefined);
        for (const [index, value] of changes) if (index < bytes.length) bytes[index] = value;
        expectOneForm(parser, bytes);
      }),
      { numRuns: FUZZ_CASES },
    );
  });
});

describe('the rules beyond the shape', () => {
  test('CH6: too large is refused before it is read', () => {
    expect(decodeHeader(new Uint8Array(HEADER_BYTES_MAX + 1))).toMatchObject({ error: { code: 'bad_header' } });
    expect(decodeGenesis(new Uint8Array(GENESIS_BYTES_MAX + 1))).toMatchObject({ error: { code: 'bad_genesis' } });
  });

  test('CH6: the id is the CID of the header', () => {
    const read = decodeHeader(encodeHeader(block.header));
    expect(read.ok && read.value.id).toBe(createBlock(block.header).id);
    expect(createBlock({ ...block.header, time: block.header.time + 1 }).id).not.toBe(block.id);
  });

  test('CH7: a cut is sorted, each feed once, in ranges a block may hold', () => {
    const item = { feed: '0000000000000001' as never, from: 1, to: 1, head: testCid('e') };
    const later = { ...item, feed: '0000000000000002' as never };
    const read = (cut: (typeof item)[]) => decodeHeader(encodeHeader({ ...block.header, cut })).ok;
    expect(read([item, later])).toBe(true);
    expect(read([later, item])).toBe(false);
    expect(read([item, item])).toBe(false);
    expect(read([{ ...item, from: 2, to: 1 }])).toBe(false);
    expect(read([{ ...item, from: 1, to: 64 }])).toBe(true);
    expect(read([{ ...item, from: 1, to: 65 }])).toBe(false);
  });

  test('CH8: a block is in a later view than its parent', () => {
    expect(decodeHeader(encodeHeader({ ...block.header, view: 3, parentView: 3 })).ok).toBe(false);
  });

  test('CH11: a certified block holds its own certificate and as many entries as the cut names', () => {
    const codeOf = (certified: Parameters<typeof encodeCertifiedBlock>[0]) => {
      const read = decodeCertifiedBlock(encodeCertifiedBlock(certified));
      return read.ok ? 'ok' : read.error.code;
    };
    expect(codeOf({ block, certificate, entries })).toBe('ok');
    expect(codeOf({ block, certificate, entries: entries.slice(1) })).toBe('bad_block');
    expect(codeOf({ block, certificate, entries: [...entries, ...entries] })).toBe('bad_block');
    const other = testBlock(group, group.tip, { cut, time: block.header.time + 1 });
    expect(codeOf({ block: other, certificate, entries })).toBe('bad_certificate');
    expect(codeOf({ block, certificate: { ...certificate, view: 2 }, entries })).toBe('bad_certificate');
  });

  test('CH4, CH5: the genesis names its group; what contradicts itself is refused', () => {
    const keys = group.signers.map((signer) => signer.key);
    const good = testGenesis(keys, 1);
    const codeOf = (change: Partial<typeof good>) => {
      const read = decodeGenesis(encodeGenesis({ ...good, ...change }));
      return read.ok ? 'ok' : read.error.code;
    };
    expect(codeOf({})).toBe('ok');
    const [member] = good.members;
    const grant = { handle: 'docs', owner: member!.identity };
    expect(codeOf({ handles: [grant] })).toBe('ok');
    expect(codeOf({ validators: [...keys, keys[0]!] })).toBe('bad_genesis');
    expect(codeOf({ f: 2 })).toBe('bad_genesis');
    expect(codeOf({ members: [member!, member!] })).toBe('bad_genesis');
    expect(codeOf({ handles: [grant, grant] })).toBe('bad_genesis');
    expect(codeOf({ recovery: { identities: [], threshold: 1 } })).toBe('bad_genesis');
    expect(codeOf({ recovery: { identities: [member!.identity], threshold: 0 } })).toBe('bad_genesis');
    const renamed = decodeGenesis(encodeGenesis({ ...good, name: 'another' }));
    expect(renamed.ok && renamed.value.group).not.toBe(group.founding.group);
    expect(genesisTip(group.founding)).toEqual({
      id: group.founding.group,
      height: 0,
      view: 0,
      time: group.founding.genesis.created,
    });
  });

  test('CH18: log records keep their order by epoch and view, and come back as they were', () => {
    const hash = block.id;
    const views = [1, 9, 10, 11, 100, 2 ** 40];
    const keys = views.map(
      (view) => encodeLogRecord({ sort: 'vote', claim: { kind: 'notarize', epoch: 0, view, hash } }).key,
    );
    expect([...keys].sort()).toEqual(keys);
    for (const record of [
      { sort: 'vote', claim: { kind: 'nullify', epoch: 0, view: 7, hash: null } },
      { sort: 'vote', claim: { kind: 'finalize', epoch: 3, view: 7, hash } },
      { sort: 'block', block },
      { sort: 'certificate', certificate },
    ] as const) {
      expect(decodeLogRecord(encodeLogRecord(record).value)).toEqual({ ok: true, value: record });
    }
    expect(testSigner('a').key).not.toBe(testSigner('b').key);
  });
});
