// An offer to order a group reads back as it was written; anything else is refused by name.

import { expect, test } from 'vitest';
import { createUnsignedPerson } from '../../test/simulator/ledger-world.ts';
import { formatOffer, parseOffer } from './founder-offer.ts';

const { identity, signer } = await createUnsignedPerson('bob');
const offer = { identity, sealingKey: new Uint8Array(32).fill(3), validator: signer.key };

test('an offer is a text that says the same when it is read, also with blanks around it', () => {
  const text = formatOffer(offer);
  expect(parseOffer(` ${text}\n`)).toEqual({ ok: true, value: offer });
  for (const other of ['', 'hello', text.slice(1), `${text}A`, text.repeat(9)]) {
    expect(parseOffer(other)).toMatchObject({ ok: false, error: { code: 'offer_invalid' } });
  }
});
