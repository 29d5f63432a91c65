import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidOf, createPerson, GROUP, START } from '../../test/simulator/ledger-world.ts';
import type { Operation } from '../feeds/entry.ts';
import { nextEntryBody } from '../feeds/feed.ts';
import type { PublicKey, Verifier } from '../platform/ports.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createPureVerifier } from '../platform/web/web-crypto.ts';
import { verifyAuthorisations } from './authorisations.ts';
import { memberAccept } from './families/membership.ts';
import { createInvite, createInviteProof, decodeInvite, INVITE_BYTES_MAX, verifyInvite } from './invite.ts';

const verifier = createPureVerifier();
const [admin, guest, thief] = [await createPerson('admin'), await createPerson('guest'), await createPerson('thief')];
const oneTime = createSeedSigner(new Uint8Array(32).fill(5));
const terms = { group: GROUP, role: 'member', uses: 3, expires: START + 1_000, key: oneTime.key } as const;
const of = (person: typeof admin) => ({ signer: person.signer, certificate: person.writer.certificate });
const invite = await createInvite({ ...of(admin), ...terms });
const proof = await createInviteProof({ signer: oneTime, group: GROUP, identity: guest.identity });

async function codeOf(wire: Uint8Array, group = GROUP, judge: Verifier = verifier): Promise<string | undefined> {
  const verified = await verifyInvite(wire, { group, verifier: judge });
  return verified.ok ? undefined : verified.error.code;
}

describe('LG38: an invite', () => {
  test('says who signed it, and for what', async () => {
    const said = { ...terms, device: admin.signer.key, inviter: admin.identity };
    expect(decodeInvite(invite)).toEqual({ ok: true, value: said });
    expect(await verifyInvite(invite, { group: GROUP, verifier })).toEqual({ ok: true, value: said });
    expect(invite.length).toBeLessThan(INVITE_BYTES_MAX);
  });

  test('is refused for another group, and when somebody else signed it or its certificate', async () => {
    expect(await codeOf(invite, cidOf('another group'))).toBe('invite_invalid');
    const forged = { key: admin.signer.key, sign: (message: Uint8Array) => thief.signer.sign(message) };
    expect(await codeOf(await createInvite({ ...of(admin), ...terms, signer: forged }))).toBe('invite_invalid');
    const stolen = { signer: thief.signer, certificate: admin.writer.certificate };
    expect(await codeOf(await createInvite({ ...stolen, ...terms }))).toBe('invite_invalid');
  });

  test('is refused with any byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(invite.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Uint8Array.from(invite);
        bytes[at] = bytes[at]! ^ mask;
        expect(await codeOf(bytes)).toBe('invite_invalid');
      }),
      { numRuns: Math.min(FUZZ_CASES, 500) },
    );
  });

  test('is refused with a key that verifiers would disagree about, whoever took its signatures', async () => {
    const mixed = 'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43' as PublicKey;
    const credulous: Verifier = { verify: () => Promise.resolve(true) };
    expect(await codeOf(await createInvite({ ...of(admin), ...terms, key: mixed }), GROUP, credulous)).toBe(
      'invite_invalid',
    );
    expect(await codeOf(invite, GROUP, credulous)).toBeUndefined();
  });
});

describe('EN10, LG38: what the loop checks of a join by invite', () => {
  const sealingKey = new Uint8Array(32);
  const check = async (person: typeof guest, ops: readonly Operation[]) => {
    const body = nextEntryBody(person.writer, { time: START, ops });
    return (await verifyAuthorisations({ body, identity: person.identity }, verifier))?.code;
  };

  test('the proof is for the identity that joins, by the one-time key', async () => {
    expect(await check(guest, [memberAccept.create({ invite, proof, sealingKey })])).toBeUndefined();
    expect(await check(thief, [memberAccept.create({ invite, proof, sealingKey })])).toBe('invite_invalid');
    const own = await createInviteProof({ signer: guest.signer, group: GROUP, identity: guest.identity });
    expect(await check(guest, [memberAccept.create({ invite, proof: own, sealingKey })])).toBe('invite_invalid');
  });

  test('the invite holds', async () => {
    const bad = await createInvite({ ...of(thief), ...terms, certificate: admin.writer.certificate });
    expect(await check(guest, [memberAccept.create({ invite: bad, proof, sealingKey })])).toBe('invite_invalid');
    expect(await check(guest, [memberAccept.create({ invite: new Uint8Array(9), proof, sealingKey })])).toBe(
      'invite_invalid',
    );
  });

  test('what is no such body is for the rule, and sixteen in an entry are enough', async () => {
    const accept = memberAccept.create({ invite, proof, sealingKey });
    expect(await check(guest, [{ kind: accept.kind, body: new Uint8Array() }])).toBeUndefined();
    expect(await check(guest, [{ kind: 'test.nothing', body: new Uint8Array() }])).toBeUndefined();
    expect(
      await check(
        guest,
        Array.from({ length: 17 }, () => accept),
      ),
    ).toBe('too_large');
  });
});
