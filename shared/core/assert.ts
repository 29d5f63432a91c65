// Asserts name bugs of ours; nothing that comes from outside may ever trip one.

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
