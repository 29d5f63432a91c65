// What a thrown value says: whoever catches does not know what was thrown.

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
