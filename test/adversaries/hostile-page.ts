// What a hostile site runs: every way its script knows out of its own origin. Each attempt says what it got, or why not.
// It is bundled into the site that is published; the test asks for one attempt after the other.

import { cidFromDigest } from '../../shared/codec/cid.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';

export type Attempt = () => Promise<string>;

declare global {
  var attempts: Readonly<Record<string, Attempt>>;
}

const port = location.port;
const app = `http://localhost:${port}`;
const victim = `http://victim.localhost:${port}`;
/** Frames and windows that were refused say nothing: after this nothing comes any more. */
const SETTLE = 1_500;
const SECRET = /secret/;

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Never throws, so that nothing that was got counts as refused. */
function name(got: unknown): string {
  if (typeof got === 'string' || typeof got === 'number' || typeof got === 'boolean') return String(got);
  return Object.prototype.toString.call(got);
}

/** Whatever throws was refused. */
function attempt(run: () => unknown): Attempt {
  return async () => {
    try {
      const got = await run();
      return got === undefined || got === null || got === '' ? 'nothing' : `got ${name(got)}`;
    } catch (error) {
      return `refused: ${error instanceof Error ? error.name : String(error)}`;
    }
  };
}

async function openFrame(url: string): Promise<HTMLIFrameElement> {
  const frame = document.createElement('iframe');
  frame.src = url;
  document.body.append(frame);
  await Promise.race([new Promise((resolve) => frame.addEventListener('load', resolve)), sleep(SETTLE)]);
  return frame;
}

async function openWindow(url: string, name = ''): Promise<Window> {
  const opened = window.open(url, name);
  if (!opened) throw new Error('no window');
  await sleep(SETTLE);
  return opened;
}

/** Messages that come back within the time. */
async function listen(send: () => void): Promise<string> {
  const heard: string[] = [];
  const note = ({ origin, data }: MessageEvent) => heard.push(`${origin} ${JSON.stringify(data)}`);
  addEventListener('message', note);
  send();
  await sleep(SETTLE);
  removeEventListener('message', note);
  return heard.join('; ');
}

const storage: Record<string, Attempt> = {
  'localStorage of its own has no secret': attempt(
    () => SECRET.exec(JSON.stringify(Object.entries(localStorage)))?.[0],
  ),
  'databases beside those of the platform': attempt(async () =>
    (await indexedDB.databases())
      .map(({ name }) => name)
      .filter((name) => name !== 'weft-site')
      .join(),
  ),
  caches: attempt(async () => (await caches.keys()).join()),
  'match in caches': attempt(async () => (await caches.match(`${app}/`))?.url),
  files: attempt(async () => {
    const names: string[] = [];
    const root = (await navigator.storage.getDirectory()) as unknown as { keys(): AsyncIterable<string> };
    for await (const name of root.keys()) names.push(name);
    return names.join();
  }),
  'localStorage of the app through a frame': attempt(
    async () => (await openFrame(`${app}/`)).contentWindow!.localStorage.length,
  ),
  'localStorage of a site through a frame': attempt(
    async () => (await openFrame(`${victim}/`)).contentWindow!.localStorage.length,
  ),
  'databases of a site through a frame': attempt(async () =>
    (await openFrame(`${victim}/`)).contentWindow!.indexedDB.databases(),
  ),
  'document of a site through a frame': attempt(async () => {
    const { contentDocument } = await openFrame(`${victim}/`);
    return contentDocument && 'a document';
  }),
  'storage access': attempt(async () => {
    const pageOfChromium = document as { requestStorageAccessFor?: (origin: string) => Promise<void> };
    await pageOfChromium.requestStorageAccessFor?.(app);
    return SECRET.exec(document.cookie)?.[0];
  }),
};

const cookies: Record<string, Attempt> = {
  'reads cookies': attempt(() => SECRET.exec(document.cookie)?.[0]),
  ...Object.fromEntries(
    ['localhost', '.localhost', 'victim.localhost', '.victim.localhost', 'localhost.', '127.0.0.1'].flatMap(
      (domain) => [
        [
          `cookie for ${domain}`,
          attempt(() => {
            document.cookie = `planted=1; Domain=${domain}; Path=/`;
            document.cookie = `planted=1; Domain=${domain}; Path=/; Secure; SameSite=None; Partitioned`;
            return /planted/.exec(document.cookie)?.[0];
          }),
        ],
        [
          `cookieStore for ${domain}`,
          attempt(async () => {
            await cookieStore.set({ name: 'planted', value: '1', domain });
            return /planted/.exec(document.cookie)?.[0];
          }),
        ],
      ],
    ),
  ),
  'cookie bomb': attempt(() => {
    const filling = 'b'.repeat(4_000);
    for (let at = 0; at < 200; at++) {
      for (const domain of ['', '; Domain=localhost', '; Domain=.localhost', `; Domain=${location.hostname}`]) {
        document.cookie = `bomb${at}=${filling}; Path=/${domain}`;
      }
    }
    return `${Math.floor(document.cookie.length / 1_000)} kB`;
  }),
};

const worker = (url: string, options?: RegistrationOptions): Attempt =>
  attempt(async () => (await navigator.serviceWorker.register(url, options)).scope);

/** Where a file of the site lies as a bare block, which the edge gives without the site around it. */
async function blockOf(path: string): Promise<string> {
  const bytes = new Uint8Array(await (await fetch(path)).arrayBuffer());
  return `/.weft/block/${cidFromDigest('raw', sha256(bytes))}`;
}

const workers: Record<string, Attempt> = {
  'own service worker': worker('/evil-sw.js'),
  'own service worker for a folder': worker('/folder/evil-sw.js', { scope: '/folder/' }),
  'own service worker as a module': worker('/evil-sw.js', { type: 'module' }),
  'own service worker that is kept by caches': worker('/evil-sw.js', { updateViaCache: 'all' }),
  'service worker under /.weft/': worker('/.weft/evil-sw.js'),
  'platform’s service worker': worker('/.weft/sw.js', { scope: '/' }),
  'script as a block': attempt(async () => (await fetch(await blockOf('/evil-sw.js'))).status),
  'service worker of a block': attempt(
    async () => (await navigator.serviceWorker.register(await blockOf('/evil-sw.js'))).scope,
  ),
  'service worker through the direct address': worker('/evil-sw.js?weft-direct'),
  'service worker through a redirect': worker('/folder'),
  'service worker from dots': worker('/.weft/../evil-sw.js'),
  'service worker from escaped dots': worker('/.weft/%2e%2e/evil-sw.js'),
  'service worker from an escaped slash': worker('/.weft%2fsw.js'),
  'service worker in other letters': worker('/.WEFT/sw.js'),
  'service worker of the pure check': worker('/.weft/pure.js'),
  'service worker from a blob': attempt(async () => {
    const url = URL.createObjectURL(new Blob(['onfetch = () => {}'], { type: 'text/javascript' }));
    return (await navigator.serviceWorker.register(url)).scope;
  }),
  'service worker from data': worker('data:text/javascript,onfetch=()=>{}'),
  'service worker of the app': worker(`${app}/sw.js`),
  'service worker for the app': worker('/.weft/sw.js', { scope: `${app}/` }),
  'replaces /.weft/sw.js through caches': attempt(async () => {
    const cache = await caches.open('evil');
    await cache.put('/.weft/sw.js', new Response('evil', { headers: { 'content-type': 'text/javascript' } }));
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    await caches.delete('evil');
    return /evil/.exec(await (await fetch('/.weft/sw.js', { cache: 'reload' })).text())?.[0];
  }),
  'what is registered': attempt(async () =>
    (await navigator.serviceWorker.getRegistrations())
      .map(({ scope, active }) => `${scope} ${active?.scriptURL ?? ''}`)
      .join(),
  ),
  'writes below /.weft/': attempt(async () => {
    const { status } = await fetch('/.weft/sw.js', { method: 'PUT', body: 'evil' });
    return (
      /evil/.exec(await (await fetch('/.weft/sw.js', { cache: 'reload' })).text())?.[0] ?? (status < 0 ? '' : null)
    );
  }),
  'shared worker of the app': attempt(() => new SharedWorker(`${app}/engine.js`)),
  'worker of the app': attempt(() => new Worker(`${app}/engine.js`)),
};

const readText = (url: string, options?: RequestInit): Attempt =>
  attempt(async () => {
    const response = await fetch(url, options);
    return response.type === 'opaque' ? '' : (await response.text()).length;
  });

const requests: Record<string, Attempt> = {
  'page of the app': readText(`${app}/`),
  'page of the app, with credentials': readText(`${app}/`, { credentials: 'include' }),
  'page of the app, opaque': readText(`${app}/`, { mode: 'no-cors', credentials: 'include' }),
  'health of the app, with credentials': readText(`${app}/healthz`, { credentials: 'include' }),
  'metrics of the app': readText(`${app}/metrics`),
  'record, with credentials': readText(`${app}/.weft/resolve?key=handles%2Fvictim`, { credentials: 'include' }),
  'feed of a device': readText(`${app}/.weft/feed?device=${'0'.repeat(64)}`, { credentials: 'include' }),
  'deletes at the app': readText(`${app}/`, { method: 'DELETE', credentials: 'include' }),
  'posts a block, with credentials': readText(`${app}/.weft/blocks`, {
    method: 'POST',
    body: new Uint8Array([1, 2, 3]),
    credentials: 'include',
  }),
  'report of a site': readText(`${victim}/.weft/report?format=json`, { credentials: 'include' }),
  'wipes a site': readText(`${victim}/.weft/wiped`, { method: 'POST', credentials: 'include' }),
  'wipes a site, opaque': readText(`${victim}/.weft/wiped`, { method: 'POST', mode: 'no-cors' }),
  'page of a site, with credentials': readText(`${victim}/`, { credentials: 'include' }),
  'script of the app': attempt(
    () =>
      new Promise((resolve, reject) => {
        const script = document.createElement('script');
        script.src = `${app}/engine.js`;
        script.addEventListener('load', () => resolve('a script'));
        script.addEventListener('error', () => reject(new Error('not loaded')));
        document.head.append(script);
      }),
  ),
};

const windows: Record<string, Attempt> = {
  'its opener': attempt(() => window.opener as unknown),
  'its parent': attempt(() => (window.parent === window ? '' : 'a parent')),
  'document of the app it opens': attempt(async () => (await openWindow(`${app}/`)).document.title),
  'address of the app it opens': attempt(async () => (await openWindow(`${app}/`)).location.href),
  'frames of the app it opens': attempt(async () => (await openWindow(`${app}/`)).length || ''),
  'talks to the app it opens': attempt(async () => {
    const opened = await openWindow(`${app}/`);
    return await listen(() => {
      for (const data of [{ weft: 'who leads', question: 1 }, { weft: 'connect' }, 'hello'])
        opened.postMessage(data, '*');
    });
  }),
  'document of a site it opens': attempt(async () => (await openWindow(`${victim}/`)).document.title),
  'script in a site it opens': attempt(async () => {
    const opened = await openWindow(`${victim}/`, 'victim');
    opened.location.href = 'javascript:opener.postMessage(localStorage.secret, "*")';
    return await listen(() => undefined);
  }),
  'history of a site it opens': attempt(async () => (await openWindow(`${victim}/`)).history.length),
  'talks to a frame of a site': attempt(async () => {
    const { contentWindow } = await openFrame(`${victim}/`);
    return await listen(() => contentWindow!.postMessage({ type: 'open', path: '/' }, '*'));
  }),
  'address of the app in its own history': attempt(() => {
    history.pushState(null, '', `${app}/`);
    return location.href;
  }),
  'document.domain': attempt(async () => {
    document.domain = 'localhost';
    const { contentDocument } = await openFrame(`${victim}/`);
    return contentDocument && 'a document';
  }),
};

const shared: Record<string, Attempt> = {
  'locks of others': attempt(async () => {
    const { held = [], pending = [] } = await navigator.locks.query();
    return [...held, ...pending].map(({ name }) => name).join();
  }),
  'takes the lock of the leader': attempt(
    () =>
      new Promise((resolve) => {
        void navigator.locks.request('weft-leader', { steal: true }, () => resolve(''));
      }),
  ),
  'listens on the channel of leaders': attempt(async () => {
    const heard: unknown[] = [];
    const names = ['weft-leader', 'weft', 'shared with the hostile site'];
    const channels = names.map((name) => new BroadcastChannel(name));
    for (const channel of channels) channel.addEventListener('message', ({ data }) => heard.push(data));
    for (const channel of channels) channel.postMessage({ weft: 'new leader', tab: 'evil' });
    await sleep(SETTLE);
    for (const channel of channels) channel.close();
    return JSON.stringify(heard) === '[]' ? '' : JSON.stringify(heard);
  }),
};

globalThis.attempts = { ...storage, ...cookies, ...workers, ...requests, ...windows, ...shared };
document.body.dataset['state'] = 'armed';
