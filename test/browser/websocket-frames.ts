// Finds the frames in one direction of a WebSocket connection (RFC 6455 §5.2), so that their payloads can be changed.

/** Data frames only: text, binary and continuations. Control frames pass unchanged. */
export interface WebSocketFrame {
  readonly opcode: number;
  /** Unmasked. */
  readonly payload: Uint8Array;
}

const CONTROL_BIT = 0x08;
const HEADER_END = Buffer.from('\r\n\r\n');

/**
 * Takes chunks as they come and returns the bytes to pass on: whole frames, with the payload that `change` returned
 * (of the same length). The answer to an upgrade starts with HTTP headers, which pass as they are.
 */
export function createFrameSplitter(options: {
  afterHeaders: boolean;
  change: (frame: WebSocketFrame) => Uint8Array;
}): (chunk: Buffer) => Buffer {
  let waiting: Buffer = Buffer.alloc(0);
  let inHeaders = options.afterHeaders;
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    const out: Buffer[] = [];
    if (inHeaders) {
      const end = waiting.indexOf(HEADER_END);
      if (end < 0) return Buffer.alloc(0);
      out.push(waiting.subarray(0, end + HEADER_END.length));
      waiting = waiting.subarray(end + HEADER_END.length);
      inHeaders = false;
    }
    for (let size = frameSize(waiting); size !== undefined && waiting.length >= size.total; size = frameSize(waiting)) {
      out.push(changeFrame(waiting.subarray(0, size.total), size.header, options.change));
      waiting = waiting.subarray(size.total);
    }
    return Buffer.concat(out);
  };
}

/** Bytes of the frame at the start, and of its header with the masking key; undefined while the header is incomplete. */
function frameSize(bytes: Buffer): { total: number; header: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const header = 2 + lengthBytes + ((bytes[1]! & 0x80) === 0 ? 0 : 4);
  if (bytes.length < header) return undefined;
  const length =
    lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return { total: header + length, header };
}

function changeFrame(frame: Buffer, header: number, change: (frame: WebSocketFrame) => Uint8Array): Buffer {
  const opcode = frame[0]! & 0x0f;
  if ((opcode & CONTROL_BIT) !== 0) return frame;
  const key = (frame[1]! & 0x80) === 0 ? undefined : frame.subarray(header - 4, header);
  const mask = (bytes: Uint8Array) => (key ? Buffer.from(bytes).map((byte, at) => byte ^ key[at % 4]!) : bytes);
  const payload = mask(frame.subarray(header));
  const changed = change({ opcode, payload });
  return changed === payload ? frame : Buffer.concat([frame.subarray(0, header), mask(changed)]);
}
