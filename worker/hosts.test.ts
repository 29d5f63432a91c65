import { expect, test } from 'vitest';
import { appOrigin, readHost, versionOrigin } from './hosts.ts';

const LOCAL = { appHost: 'localhost', sitesSuffix: 'localhost' };
const PUBLIC = { appHost: 'weft.example', sitesSuffix: 'sites.example' };

test('ED10: a label is a site, of the handle or named before two hyphens', () => {
  expect(readHost('alice.localhost', LOCAL)).toMatchObject({ face: 'site', handle: 'alice', name: '' });
  expect(readHost('blog--alice.sites.example', PUBLIC)).toMatchObject({ face: 'site', handle: 'alice', name: 'blog' });
});

test('ED10: the app and the sites are apart: neither is found under the other’s name', () => {
  expect(readHost('weft.example', PUBLIC)).toEqual({ face: 'app' });
  for (const host of ['sites.example', 'alice.weft.example', 'alice.sites.example.evil.example', 'a.b.sites.example']) {
    expect(readHost(host, PUBLIC).face, host).toBe('unknown');
  }
});

test('ED54: content has a host of its own by its CID, and the one that IPFS gateways use leads there', () => {
  const cid = 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e';
  expect(readHost(`${cid}.sites.example`, PUBLIC)).toEqual({ face: 'version', cid, elsewhere: false });
  expect(readHost(`${cid}.ipfs.sites.example`, PUBLIC)).toEqual({ face: 'version', cid, elsewhere: true });
  for (const label of [cid.slice(0, -1), `x.${cid}`, cid.replace('bafk', 'bafz'), `${cid}.ipfs.ipfs`]) {
    expect(readHost(`${label}.sites.example`, PUBLIC).face, label).toBe('unknown');
  }
  expect(versionOrigin(new URL('http://localhost:8787/ipfs/x'), LOCAL, cid as never)).toBe(
    `http://${cid}.localhost:8787`,
  );
});

test('ED11: the app’s origin keeps scheme and port, and an address that is no name', () => {
  expect(appOrigin(new URL('http://alice.localhost:8787/x'), LOCAL)).toBe('http://localhost:8787');
  expect(appOrigin(new URL('http://127.0.0.1:8787/'), LOCAL)).toBe('http://127.0.0.1:8787');
  expect(appOrigin(new URL('https://alice.sites.example/'), PUBLIC)).toBe('https://weft.example');
});
