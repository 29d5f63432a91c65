// The two things of protobuf that dag-pb and UnixFS are made of: varints in their shortest form, and fields in order.

/** Eight bytes hold 56 bits: more than a number keeps exactly, so the value is checked as well. */
const VARINT_BYTES_MAX = 8;

export type Cursor = { readonly bytes: Uint8Array; at: number };

/** A field of a message: a number where the wire has a varint, bytes where it has a length. */
export type Field = { readonly number: number; readonly value: number | Uint8Array };

/** `value` is a safe integer of 0 or more. */
export function encodeVarint(value: number): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return Uint8Array.from(out);
}

/** Shortest form only, of at most `bytesMax`. Arithmetic, not bit operations: values pass 32 bits. */
export function readVarint(cursor: Cursor, bytesMax: number = VARINT_BYTES_MAX): number | undefined {
  let value = 0;
  let scale = 1;
  for (let count = 1; count <= bytesMax; count++) {
    const byte = cursor.bytes[cursor.at];
    if (byte === undefined) return undefined;
    cursor.at += 1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return (byte === 0 && count > 1) || !Number.isSafeInteger(value) ? undefined : value;
    scale *= 128;
  }
  return undefined;
}

/** All fields of a message as they come; undefined when it is malformed, or has more than `fieldsMax`. */
export function readFields(bytes: Uint8Array, fieldsMax: number): Field[] | undefined {
  const cursor: Cursor = { bytes, at: 0 };
  const fields: Field[] = [];
  while (cursor.at < bytes.length) {
    const tag = readVarint(cursor);
    const argument = readVarint(cursor);
    if (tag === undefined || argument === undefined || fields.length === fieldsMax) return undefined;
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      fields.push({ number, value: argument });
    } else if (wire === 2 && argument <= bytes.length - cursor.at) {
      fields.push({ number, value: bytes.subarray(cursor.at, cursor.at + argument) });
      cursor.at += argument;
    } else {
      return undefined;
    }
  }
  return fields;
}
