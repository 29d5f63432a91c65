// WebTorrent as a page would use it, between two pages and without servers of others.

import WebTorrent from 'webtorrent/dist/webtorrent.min.js';

const client = new WebTorrent({
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  tracker: { rtcConfig: { iceServers: [] } },
});
client.on('error', (error) => console.error(error));

const RANDOM_BYTES_MAX = 65_536;

globalThis.peer = {
  /** The magnet of a file of so many random bytes, once it is offered. */
  seed(bytes, tracker) {
    const parts = [];
    for (let at = 0; at < bytes; at += RANDOM_BYTES_MAX) {
      parts.push(crypto.getRandomValues(new Uint8Array(Math.min(RANDOM_BYTES_MAX, bytes - at))));
    }
    const file = new File(parts, 'file.bin');
    return new Promise((resolve) => {
      client.seed(file, { announce: [tracker] }, (torrent) => resolve(torrent.magnetURI));
    });
  },
  /** Milliseconds from the first connection to the other page until all pieces were verified and stored. */
  fetch(magnet) {
    return new Promise((resolve, reject) => {
      const torrent = client.add(magnet);
      let started = null;
      torrent.on('wire', () => (started ??= performance.now()));
      torrent.on('done', () => resolve(performance.now() - started));
      torrent.on('error', reject);
    });
  },
};
