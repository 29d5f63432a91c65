// The shared client against an edge that may say anything: what does not verify is never a site.

import * as fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { alice } from '../../shared/light-client/light-client.test-kit.ts';
import { createSealedGroup } from '../../shared/light-client/sealed-group.test-kit.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { createSiteWorld, type SiteWorld } from '../../site-host/site-source.test-kit.ts';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { createCommonsClient } from './commons-client.ts';

const EDGE = 'https://edge.example';

afterEach(() => vi.unstubAllGlobals());

type Answers = Readonly<Record<string, Uint8Array | (() => Promise<Uint8Array>)>>;

/** Answers by path; counts what was asked. */
function serve(answers: Answers): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (address: string) => {
    const { pathname } = new URL(address);
    asked.push(pathname);
    const answer = answers[pathname];
    const bytes = typeof answer === 'function' ? await answer() : answer;
    return bytes ? new Response(Uint8Array.from(bytes)) : new Response(null, { status: 404 });
  });
  return asked;
}

async function createWorld(): Promise<{ world: SiteWorld; answers: Answers }> {
  const world = createSiteWorld();
  await world.publish({ '/index.html': '<title>Alice</title>' });
  const blocks = [...world.blocks].map(([cid, bytes]) => [`/.weft/block/${cid}`, bytes]);
  const answers = {
    '/.weft/genesis': world.genesis,
    '/.weft/resolve': () => world.resolution(Date.now()),
    ...Object.fromEntries(blocks),
  };
  return { world, answers };
}

test('WG8: who asks at the same time shares one request, and genesis and versions are asked for once', async () => {
  const { world, answers } = await createWorld();
  const asked = serve(answers);
  const client = createCommonsClient(EDGE, { commons: world.group, checkpoint: null });
  const both = await Promise.all([client.site(world.site), client.site(world.site)]);
  await client.site(world.site);
  const site = both[0].ok && both[0].value.site.ok ? both[0].value.site.value : null;
  expect(site?.seq).toBe(1);
  for (let times = 0; times < 2; times++) {
    expect(await client.version(site!.manifest)).toMatchObject({ ok: true, value: { files: 1, title: 'Alice' } });
  }
  const count = (path: string): number => asked.filter((name) => name === path).length;
  expect([count('/.weft/genesis'), count('/.weft/resolve'), count('/.well-known/weft.json')]).toEqual([1, 2, 1]);
  expect(asked.filter((path) => path.startsWith('/.weft/block/'))).toHaveLength(2);
});

test('WG2: no change of the bytes that came yields another site', async () => {
  const { world, answers } = await createWorld();
  const good = await world.resolution(Date.now());
  let resolution = good;
  serve({ ...answers, '/.weft/resolve': async () => resolution });
  const client = createCommonsClient(EDGE, { commons: world.group, checkpoint: null });
  const first = await client.site(world.site);
  await fc.assert(
    fc.asyncProperty(mutationsOf(fc.constant(good)), async (changed) => {
      resolution = changed;
      const answer = await client.site(world.site);
      const isSame = changed.length === good.length && changed.every((byte, at) => byte === good[at]);
      if (isSame) expect(answer).toEqual(first);
      else expect(answer.ok).toBe(false);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('WG3: another commons than the pinned one is refused, and one that fails is asked for again', async () => {
  const [mine, other] = [await createWorld(), createSiteWorld({ label: 'bob' })];
  const changing: Record<string, Answers[string]> = {
    ...mine.answers,
    '/.weft/genesis': other.genesis.map((byte) => byte ^ 1),
  };
  serve(changing);
  const client = createCommonsClient(EDGE, { commons: mine.world.group, checkpoint: null });
  expect(await client.site(mine.world.site)).toMatchObject({ ok: false });
  changing['/.weft/genesis'] = mine.world.genesis;
  expect(await client.site(mine.world.site)).toMatchObject({ ok: true });
});

test('WG9: an older answer than the last is refused by its height', async () => {
  const { world, answers } = await createWorld();
  const old = await world.resolution(Date.now());
  await world.publish({ '/index.html': 'second' });
  const changing: Record<string, Answers[string]> = { ...answers };
  serve(changing);
  const client = createCommonsClient(EDGE, { commons: world.group, checkpoint: null });
  expect(await client.site(world.site)).toMatchObject({ ok: true, value: { site: { value: { seq: 2 } } } });
  changing['/.weft/resolve'] = old;
  expect(await client.site(world.site)).toMatchObject({ ok: false, error: { code: 'older_than_seen' } });
});

test('WG10: a block that is something else is named', async () => {
  const { world, answers } = await createWorld();
  const [cid] = [...world.blocks.keys()];
  serve({ ...answers, [`/.weft/block/${cid}`]: Uint8Array.of(1) });
  const client = createCommonsClient(EDGE, { commons: null, checkpoint: null });
  expect(await client.block(cid!)).toMatchObject({ ok: false, error: { code: 'bad_block' } });
});

test('LC18, WG3: who orders is the page’s word, else the edge’s, and another signed history is none', async () => {
  const sealed = await createSealedGroup(4, 1);
  const { group, genesis, seal, sealHeight: height } = sealed;
  const forged = sealed.forged['retired keys hand over']!.resolution;
  const read = async (resolution: Uint8Array, { page, edge }: { page?: boolean; edge?: string }) => {
    const entry = encodeUtf8(JSON.stringify({ commons: group, checkpoint: edge }));
    serve({ '/.weft/genesis': genesis, '/.weft/resolve': resolution, '/.well-known/weft.json': entry });
    const client = createCommonsClient(EDGE, { commons: group, checkpoint: page ? { height, seal } : null });
    const answer = await client.site(alice);
    return answer.ok ? 'believed' : answer.error.code;
  };
  expect(await read(sealed.resolution, { page: true })).toBe('believed');
  expect(await read(forged, {})).toBe('believed');
  expect(await read(forged, { page: true })).toBe('conflicting_seal');
  expect(await read(forged, { edge: `${height}:${seal}` })).toBe('conflicting_seal');
  expect(await read(sealed.resolution, { page: true, edge: `${height}:${group}` })).toBe('believed');
});
