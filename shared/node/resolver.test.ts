// Reading certified state from whoever answers: the first answer that verifies counts, and nobody's lie or silence stops it.

import { beforeAll, describe, expect, test } from 'vitest';
import { createMemoryMesh, type MemoryMesh } from '../../test/simulator/memory-mesh.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { fail, ok } from '../core/result.ts';
import type { Handle, SiteName } from '../ledger/handle-grammar.ts';
import type { Edge } from '../platform/ports.ts';
import { createSealedGroup } from '../light-client/sealed-group.test-kit.ts';
import { createWebClock } from '../platform/web/web-clock.ts';
import { createWebVerifier } from '../platform/web/web-crypto.ts';
import type { PublicReadClient } from '../session/public-read-client.ts';
import type { RelayRoom } from '../session/relay-room.ts';
import { SERVICE_READ } from '../session/relay-wire.ts';
import { Resolver } from './resolver.ts';

const KEY = 'sites/docs/';
const clock = createWebClock();
const verifier = await createWebVerifier();
const page = (text: string) => [{ path: 'index.html', body: encodeUtf8(text) }];
type Answer = () => Promise<Uint8Array | null>;

let mesh: MemoryMesh;
/** True answers, of two heights. */
let older: Uint8Array;
let newer: Uint8Array;
let newest: number;
beforeAll(async () => {
  mesh = await createMemoryMesh('resolver');
  const headless = await mesh.startHeadless(createMemoryDisk());
  const tab = await mesh.startTab('reader', createMemoryDisk());
  const read = async (text: string) => {
    await headless.publishSite({ handle: 'docs' as Handle, name: '' as SiteName, files: page(text) });
    const resolved = await tab.node.resolve(KEY);
    assert(resolved.ok, 'the site resolves');
    newest = resolved.value.height;
    return resolved.value.bytes;
  };
  older = await read('one');
  newer = await read('two');
  tab.close();
  await headless.close();
});

function createResolver(given: { edge?: Answer; peers?: readonly Answer[]; atLeastHeight?: number }) {
  const { edge, peers = [], atLeastHeight = 0 } = given;
  const reads = {
    resolve: async ({ peer }: { peer: number }) => {
      const bytes = await peers[peer]!().catch(() => null);
      return bytes ? ok(bytes) : fail('not_found', 'no');
    },
  };
  const room = { peers: peers.map((_, id) => ({ id, services: SERVICE_READ })) };
  return new Resolver({
    group: mesh.founding.group,
    genesis: mesh.genesis,
    clock,
    verifier,
    edge: edge ? ({ resolve: edge } as unknown as Edge) : null,
    room: room as unknown as RelayRoom,
    reads: reads as unknown as PublicReadClient,
    atLeastHeight,
  });
}

const says = (bytes: Uint8Array) => () => Promise.resolve(bytes);
const silent = () => new Promise<null>(() => {});
const away = () => Promise.reject(new Error('off'));
const flipped = () => Promise.resolve(newer.map((byte, at) => (at === newer.length - 40 ? byte ^ 1 : byte)));

describe('a resolver', () => {
  test.each<[string, () => { edge?: Answer; peers?: Answer[] }, 'peer' | 'edge']>([
    ['the edge answers', () => ({ edge: says(newer) }), 'edge'],
    ['the edge is away', () => ({ edge: away, peers: [says(newer)] }), 'peer'],
    ['the edge is silent', () => ({ edge: silent, peers: [says(newer)] }), 'peer'],
    ['the edge lies', () => ({ edge: flipped, peers: [says(newer)] }), 'peer'],
    ['peers lie and are silent', () => ({ edge: away, peers: [flipped, silent, says(newer)] }), 'peer'],
  ])('%s: what verifies is taken', async (_name, sources, source) => {
    const resolver = createResolver(sources());
    expect(await resolver.resolve(KEY)).toMatchObject({ ok: true, value: { height: newest, source } });
    expect(resolver.height).toBe(newest);
    expect(resolver.statusTime).toBeGreaterThan(0);
  });

  test('nobody there, and nobody who answers, are `waiting_for_network`; a lie is named', async () => {
    for (const given of [{}, { edge: away }, { edge: away, peers: [away] }]) {
      expect(await createResolver(given).resolve(KEY)).toMatchObject({ error: { code: 'waiting_for_network' } });
    }
    const lied = await createResolver({ edge: flipped, peers: [away] }).resolve(KEY);
    assert(!lied.ok, 'a changed answer does not verify');
    expect(lied.error.code).toMatch(/^bad_/);
  });

  test('a lie is named too when somebody else’s good answer made up for it', async () => {
    const resolver = createResolver({ edge: flipped, peers: [says(newer)] });
    expect(await resolver.resolve(KEY)).toMatchObject({ ok: true });
    expect(resolver.refused).toEqual([{ source: 'edge', code: expect.stringMatching(/^bad_/) }]);
  });

  test('LC8: an answer older than one seen before is refused, also across a restart, and does not lower what was seen', async () => {
    const answers = [newer, older];
    const resolver = createResolver({ edge: () => Promise.resolve(answers.shift()!) });
    expect(await resolver.resolve(KEY)).toMatchObject({ ok: true });
    expect(await resolver.resolve(KEY)).toMatchObject({ error: { code: 'older_than_seen' } });
    expect(resolver.height).toBe(newest);
    const restarted = createResolver({ edge: says(older), atLeastHeight: newest });
    expect(await restarted.resolve(KEY)).toMatchObject({ error: { code: 'older_than_seen' } });
  });

  test('LC8: a true answer about another key is refused', async () => {
    expect(await createResolver({ edge: says(newer) }).resolve('sites/other/')).toMatchObject({
      error: { code: 'wrong_key' },
    });
  });
});

describe('LC14: retired keys sign another history', () => {
  async function openSealed(checkpoint: 'seen' | 'restored' | 'told' | null) {
    const sealed = await createSealedGroup(4, 1);
    let answer = sealed.resolution;
    const resolver = new Resolver({
      ...{ group: sealed.group, genesis: sealed.genesis, clock, verifier, room: null, reads: null },
      edge: { resolve: async () => answer } as unknown as Edge,
      ...(checkpoint === 'restored' && { checkpoint: sealed.seal }),
      ...(checkpoint === 'told' && { checkpoint: sealed.seal, atLeastHeight: sealed.sealHeight }),
    });
    if (checkpoint === 'seen') {
      expect(await resolver.resolve(sealed.siteKey)).toMatchObject({ ok: true, value: { seal: sealed.seal } });
      expect(resolver.seal).toBe(sealed.seal);
    }
    return async (name: string) => {
      answer = sealed.forged[name]!.resolution;
      const result = await resolver.resolve(sealed.siteKey);
      return result.ok ? 'believed' : result.error.code;
    };
  }

  test.each([
    ['seen', 'conflicting_seal', 'older_than_seen'],
    ['restored', 'conflicting_seal', 'conflicting_seal'],
    ['told', 'conflicting_seal', 'conflicting_seal'],
    [null, 'believed', 'older_than_seen'],
  ] as const)('with a seal that was %s: handing over is %s, going on %s', async (checkpoint, over, on) => {
    const judge = await openSealed(checkpoint);
    expect([await judge('retired keys hand over'), await judge('retired keys go on')]).toEqual([over, on]);
    expect(await judge('missing signature')).toBe('bad_certificate');
  });
});
