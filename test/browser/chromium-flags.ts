// How tests and benchmarks start Chromium.

/** Measured: service workers, workers and WebRTC work with these; the rest keeps Chromium off the network and its own chores out. */
export const CHROMIUM_FLAGS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
