// What a publish tells whoever waits for it: from reading the files to copies on other nodes.

export type PublisherProgress =
  | {
      readonly step: 'reading';
      readonly files: number;
      readonly bytes: number;
      readonly totalFiles: number;
      readonly totalBytes: number;
    }
  | {
      readonly step: 'stored';
      readonly manifest: string;
      readonly files: number;
      readonly bytes: number;
      /** Bytes that were not on this device before, and so have to go out. */
      readonly written?: number;
      /** What the publisher should hear, though it stops nothing. */
      readonly warnings?: readonly { readonly code: string; readonly message: string }[];
    }
  | { readonly step: 'ordered'; readonly height: number }
  | { readonly step: 'held'; readonly copies: number }
  | { readonly step: 'waiting'; readonly code: string; readonly message: string };
