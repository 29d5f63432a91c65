import { afterEach, expect, test, vi } from 'vitest';
import { clearPageStorage } from './clear-page-storage.ts';

afterEach(() => vi.unstubAllGlobals());

test('VS10: every cookie that the page can see is ended, those that only a secure one replaces too', () => {
  const ended: string[] = [];
  const clear = vi.fn();
  vi.stubGlobal('localStorage', { clear });
  vi.stubGlobal('sessionStorage', { clear });
  vi.stubGlobal('location', { hostname: 'alice.localhost', pathname: '/a/b' });
  vi.stubGlobal('document', {
    get cookie() {
      return '__Host-x=1; y=2';
    },
    set cookie(set: string) {
      ended.push(set);
    },
  });
  clearPageStorage();
  expect(clear).toHaveBeenCalledTimes(2);
  expect(ended).toContain('__Host-x=;max-age=0;path=/;secure');
  for (const path of ['/', '/a', '/a/b']) {
    expect(ended).toContain(`y=;max-age=0;path=${path}`);
    expect(ended).toContain(`y=;max-age=0;path=${path};domain=alice.localhost`);
  }
});
