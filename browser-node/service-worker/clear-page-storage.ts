// Empties what only a page can reach of an origin's storage. It is also printed into a page, so it uses nothing outside itself.

/** Storage of Web Storage and all cookies that this path can see; scripts cannot set others here, and the edge sets none. */
export function clearPageStorage(): void {
  for (const name of ['localStorage', 'sessionStorage'] as const) {
    try {
      globalThis[name].clear();
    } catch {
      // Refused storage is empty storage.
    }
  }
  // Those named `__Host-` and `__Secure-` give way to secure ones only, and a secure one is no use on an insecure page.
  const hosts = ['', `;domain=${location.hostname}`, ';secure', `;secure;domain=${location.hostname}`];
  const folders = location.pathname.split('/').map((_, at, names) => names.slice(0, at + 1).join('/') || '/');
  for (const cookie of document.cookie.split('; ')) {
    for (const host of hosts) {
      for (const path of folders) document.cookie = `${cookie.split('=')[0]}=;max-age=0;path=${path}${host}`;
    }
  }
}
