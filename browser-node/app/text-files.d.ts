// Files that are imported as text (`with { type: 'text' }`), and style sheets that the build collects.

declare module '*.html' {
  const text: string;
  export = text;
}
declare module '*.svg' {
  const text: string;
  export = text;
}
declare module '*.css' {
  const text: string;
  export = text;
}
