import { describe, expect, test } from 'vitest';
import { createUnsignedPerson } from '../../test/simulator/ledger-world.ts';
import { STATE_VALUE_BYTES_MAX } from '../core/limits.ts';
import type { Handle } from './handle-grammar.ts';
import { decodeRecord, encodeRecord, HANDLE, RECENT, type HandleLease } from './records.ts';
import {
  commitDraft,
  mergeDraft,
  openDraft,
  readRecord,
  readValue,
  removeRecord,
  stateRoot,
  writeRecord,
} from './state.ts';

const { identity } = await createUnsignedPerson('alice');
const lease: HandleLease = { owner: identity, generation: 1, lease: 5, sites: [] };
const id = 'alice' as Handle;

describe('ST1: drafts', () => {
  test('read what they wrote, else what they were opened on', () => {
    const base = openDraft();
    writeRecord(base, { type: HANDLE, id, value: lease });
    const state = commitDraft(base);
    const block = openDraft(state);
    const entry = openDraft(block);
    expect(readRecord(entry, HANDLE, id)).toEqual(lease);
    writeRecord(entry, { type: HANDLE, id, value: { ...lease, generation: 2 } });
    expect(readRecord(entry, HANDLE, id)?.generation).toBe(2);
    expect(readRecord(block, HANDLE, id)?.generation).toBe(1);
    mergeDraft(entry);
    expect(readRecord(block, HANDLE, id)?.generation).toBe(2);
    expect(readRecord(state, HANDLE, id)?.generation).toBe(1);
    expect(readRecord(commitDraft(block), HANDLE, id)?.generation).toBe(2);
  });

  test('remove a key, which then reads as absent at every level', () => {
    const base = openDraft();
    writeRecord(base, { type: HANDLE, id, value: lease });
    const state = commitDraft(base);
    const block = openDraft(state);
    const entry = openDraft(block);
    removeRecord(entry, HANDLE, id);
    expect(readValue(entry, 'handles/alice')).toBeUndefined();
    mergeDraft(entry);
    expect(readRecord(block, HANDLE, id)).toBeUndefined();
    expect(stateRoot(commitDraft(block))).toEqual(new Uint8Array(32));
  });

  test('are committed on a state only, and merged on a draft only', () => {
    expect(() => mergeDraft(openDraft())).toThrow('merged');
    expect(() => commitDraft(openDraft(openDraft()))).toThrow('committed');
  });
});

describe('ST3: records', () => {
  test('come back from their bytes, and other bytes are refused', () => {
    const bytes = encodeRecord(HANDLE, lease);
    expect(decodeRecord(HANDLE, bytes)).toEqual({ ok: true, value: lease });
    expect(decodeRecord(RECENT, bytes)).toMatchObject({ error: { code: 'bad_encoding' } });
    expect(decodeRecord(HANDLE, new Uint8Array(STATE_VALUE_BYTES_MAX + 1))).toMatchObject({
      error: { code: 'too_large' },
    });
  });
});
