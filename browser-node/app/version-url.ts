// Where one version of a site stays for good, whatever its handle shows: on a host named by its manifest (ED57).

/** `http://blog--alice.localhost:8787/` and a manifest → `http://<manifest>.localhost:8787/`. */
export function versionUrl(siteUrl: string, manifest: string): string {
  const url = new URL(siteUrl);
  url.hostname = [manifest, ...url.hostname.split('.').slice(1)].join('.');
  return url.href;
}
