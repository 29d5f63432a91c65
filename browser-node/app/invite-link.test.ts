import { expect, test } from 'vitest';

import { readInviteLink } from './invite-link.ts';

const INVITE = 'pGF2AWVncm91cHg7YmFmeXJlaQ-_x';

test('an invite is found in an address, in brackets, over two lines, and by itself', () => {
  for (const text of [
    `http://localhost:8787/#join=${INVITE}`,
    `  <https://weft.example/#join=${INVITE}>. `,
    `https://weft.example/#join=${INVITE.slice(0, 9)}\n${INVITE.slice(9)}`,
    INVITE,
  ]) {
    expect(readInviteLink(text)).toBe(INVITE);
  }
});

test('what carries no invite is none', () => {
  for (const text of [
    '',
    '  ',
    'https://weft.example/',
    'https://weft.example/#join=',
    'hello',
    `#join=${INVITE}<b>`,
  ]) {
    expect(readInviteLink(text)).toBeNull();
  }
});
