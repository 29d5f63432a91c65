// The content type of a path, where a manifest does not say another (rule SI6). The table is part of the protocol: entries may be added, none may change.

const OTHER = 'application/octet-stream';

const TEXT_TYPES = {
  css: 'text/css',
  csv: 'text/csv',
  htm: 'text/html',
  html: 'text/html',
  ics: 'text/calendar',
  js: 'text/javascript',
  log: 'text/plain',
  md: 'text/markdown',
  mjs: 'text/javascript',
  txt: 'text/plain',
  vcf: 'text/vcard',
  vtt: 'text/vtt',
};

/** These say themselves how their text is encoded, or have none. */
const OTHER_TYPES = {
  aac: 'audio/aac',
  apng: 'image/apng',
  atom: 'application/atom+xml',
  avif: 'image/avif',
  bmp: 'image/bmp',
  epub: 'application/epub+zip',
  flac: 'audio/flac',
  geojson: 'application/geo+json',
  gif: 'image/gif',
  glb: 'model/gltf-binary',
  gltf: 'model/gltf+json',
  gz: 'application/gzip',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  jsonld: 'application/ld+json',
  m4a: 'audio/mp4',
  m4v: 'video/mp4',
  map: 'application/json',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  oga: 'audio/ogg',
  ogg: 'audio/ogg',
  ogv: 'video/ogg',
  opus: 'audio/ogg',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  rss: 'application/rss+xml',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  ttf: 'font/ttf',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  weba: 'audio/webm',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xhtml: 'application/xhtml+xml',
  xml: 'application/xml',
  zip: 'application/zip',
};

const typesByExtension = new Map<string, string>(Object.entries(OTHER_TYPES));
for (const [extension, type] of Object.entries(TEXT_TYPES)) {
  typesByExtension.set(extension, `${type}; charset=utf-8`);
}

export function contentTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  // A name that only begins with a dot has no extension.
  return (dot > 0 ? typesByExtension.get(name.slice(dot + 1).toLowerCase()) : undefined) ?? OTHER;
}
