// Files that the build puts beside the scripts: imported as the path to fetch them by.

declare module '*.wasm' {
  const path: string;
  export = path;
}
