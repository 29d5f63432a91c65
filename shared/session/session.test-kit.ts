// What the tests of sessions share: nodes with fixed keys, bytes inside bytes.

import { createLocalNode } from '../../test/simulator/local-node.ts';
import type { LocalNode } from './session-identity.ts';

const nodesByByte = new Map<number, Promise<LocalNode>>();

/** A node's identity and device; made once, since signatures are slow. */
export function testNode(byte: number): Promise<LocalNode> {
  const known = nodesByByte.get(byte) ?? makeNode(byte);
  nodesByByte.set(byte, known);
  return known;
}

function makeNode(byte: number): Promise<LocalNode> {
  return createLocalNode({ owner: new Uint8Array(32).fill(byte), device: new Uint8Array(32).fill(byte + 100) });
}

export function containsBytes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
