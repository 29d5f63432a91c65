import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  makeBlock,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { cidDigest, cidFromDigest } from '../../codec/cid.ts';
import type { Operation } from '../../feeds/entry.ts';
import type { Handle, SiteName } from '../handle-grammar.ts';
import { HANDLE, SITE, SITES_PER_HANDLE_MAX } from '../records.ts';
import { readRecord } from '../state.ts';
import { sitePublish, siteUnpublish } from './sites.ts';

const YEAR = 365 * 86_400_000;
const ONE = cidOf('version one');
const TWO = cidOf('version two');
const handle = 'alice' as Handle;

async function found(): Promise<{ world: World; alice: Person; bob: Person }> {
  const [alice, bob] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bob')];
  return { world: createWorld([alice, bob], { handles: [{ handle, owner: alice.identity }] }), alice, bob };
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

function publish(seq: number, manifest = ONE, name = ''): Operation {
  return sitePublish.create({ handle, name: name as SiteName, seq, manifest });
}

function unpublish(seq: number, name = ''): Operation {
  return siteUnpublish.create({ handle, name: name as SiteName, seq });
}

function site(world: World, name = '') {
  return readRecord(world.state, SITE, { handle, name: name as SiteName });
}

describe('HD9: publishing', () => {
  test('numbers the versions of each site from 1; a rollback is a new number for an old manifest', async () => {
    const { world, alice } = await found();
    expect(await act(world, alice, publish(1, ONE), publish(2, TWO))).toBe('ok');
    expect(await act(world, alice, publish(1, ONE, 'blog'))).toBe('ok');
    expect(await act(world, alice, publish(3, ONE))).toBe('ok');
    expect(site(world)).toEqual({ manifest: ONE, seq: 3 });
    expect(site(world, 'blog')).toEqual({ manifest: ONE, seq: 1 });
    expect(readRecord(world.state, HANDLE, handle)?.sites).toEqual(['', 'blog']);
  });

  test('with another number than the next is void: somebody else published meanwhile', async () => {
    const { world, alice } = await found();
    expect(await act(world, alice, publish(2))).toBe('wrong_state');
    await act(world, alice, publish(1));
    expect(await act(world, alice, publish(1, TWO))).toBe('wrong_state');
    expect(await act(world, alice, publish(3, TWO))).toBe('wrong_state');
    expect(site(world)).toEqual({ manifest: ONE, seq: 1 });
  });

  test('is for the owner, while the lease runs', async () => {
    const { world, alice, bob } = await found();
    expect(await act(world, bob, publish(1))).toBe('not_owner');
    const free = sitePublish.create({ handle: 'nobody' as Handle, name: '' as SiteName, seq: 1, manifest: ONE });
    expect(await act(world, alice, free)).toBe('not_owner');
    world.time = START + YEAR - 1_000;
    expect(await act(world, alice, publish(1))).toBe('lease_expired');
    expect(await act(world, alice, unpublish(1))).toBe('lease_expired');
  });

  test('names a manifest, not a file', async () => {
    const { world, alice } = await found();
    expect(await act(world, alice, publish(1, cidFromDigest('raw', cidDigest(ONE))))).toBe('bad_encoding');
  });

  test('HD11: goes for 64 sites of a handle', async () => {
    const { world, alice } = await found();
    const names = Array.from({ length: SITES_PER_HANDLE_MAX }, (_, at) => `site-${at}`);
    expect(await act(world, alice, ...names.map((name) => publish(1, ONE, name)))).toBe('ok');
    expect(await act(world, alice, publish(1, ONE, 'one-more'))).toBe('account_limit');
    expect(await act(world, alice, publish(2, TWO, 'site-7'))).toBe('ok');
  });
});

describe('HD10: unpublishing', () => {
  test('takes the manifest away and goes on counting', async () => {
    const { world, alice, bob } = await found();
    await act(world, alice, publish(1));
    expect(await act(world, bob, unpublish(2))).toBe('not_owner');
    expect(await act(world, alice, unpublish(1))).toBe('wrong_state');
    expect(await act(world, alice, unpublish(2))).toBe('ok');
    expect(site(world)).toEqual({ manifest: null, seq: 2 });
    expect(await act(world, alice, unpublish(3))).toBe('wrong_state');
    expect(await act(world, alice, publish(3, TWO))).toBe('ok');
    expect(site(world)).toEqual({ manifest: TWO, seq: 3 });
  });

  test('of what was never published is void', async () => {
    const { world, alice } = await found();
    expect(await act(world, alice, unpublish(1))).toBe('wrong_state');
  });
});
