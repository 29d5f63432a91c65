import { describe, expect, test } from 'vitest';
import { describeMemory } from '../../test/simulator/memory-connector.ts';
import { readFingerprint } from './description.ts';

const GOOD = describeMemory(0xab, '1');
const LINE = GOOD.split('\r\n').find((line) => line.startsWith('a=fingerprint'))!;

describe('DL3: a description', () => {
  test('has one fingerprint of sha-256, whatever the case and the line ends', () => {
    const expected = { ok: true, value: new Uint8Array(32).fill(0xab) };
    expect(readFingerprint(GOOD)).toEqual(expected);
    expect(readFingerprint(GOOD.replaceAll('\r\n', '\n'))).toEqual(expected);
    expect(readFingerprint(GOOD.replace(LINE, LINE.toLowerCase()))).toEqual(expected);
  });

  test.each([
    ['none', GOOD.replace(`${LINE}\r\n`, '')],
    ['the same twice', GOOD.replace(LINE, `${LINE}\r\n${LINE}`)],
    ['a second in other case', GOOD.replace(LINE, `${LINE}\r\n${LINE.replace('a=fingerprint', 'A=FINGERPRINT')}`)],
    ['one of sha-1', GOOD.replace('sha-256', 'sha-1')],
    ['one of sha-256 and one of sha-512', GOOD.replace(LINE, `${LINE}\r\na=fingerprint:sha-512 AB:CD`)],
    ['a short one', GOOD.replace(':AB\r\n', '\r\n')],
    ['a long one', GOOD.replace(LINE, `${LINE}:AB`)],
    ['one after a bare carriage return', GOOD.replace(LINE, `${LINE}\ra=fingerprint:sha-256 00`)],
  ])('with %s is refused', (_name, sdp) => {
    expect(readFingerprint(sdp)).toMatchObject({ ok: false, error: { code: 'bad_description' } });
  });

  test.each([
    ['with a camera', `${GOOD}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`],
    ['without channels', GOOD.replace('m=application', 'x=application')],
    ['with a hundred addresses', GOOD + 'a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n'.repeat(100)],
    ['that is long', GOOD + 'a=x\r\n'.repeat(3_000)],
    ['that is empty', ''],
  ])('%s is refused', (_name, sdp) => expect(readFingerprint(sdp).ok).toBe(false));
});
