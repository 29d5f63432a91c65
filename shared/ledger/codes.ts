// The stable codes of the ledger: number and name never change, new ones are added at the end. Each says what a person can do.

/** Everything known about one code. `waits`: a refused entry may be admitted later as it stands, so keep it. */
export type CodeRow = {
  readonly code: string;
  readonly because: string;
  readonly waits?: true;
};

const ROWS = [
  {
    code: 'bad_encoding',
    because: 'The bytes do not follow the format: update the app that wrote them, and write it again.',
  },
  {
    code: 'bad_signature',
    because: 'A signature does not fit: fetch the entry again, or sign it again on its own device.',
  },
  { code: 'wrong_group', because: 'This belongs to another group: send it there.' },
  { code: 'unknown_author', because: 'The group does not know the author: join first, then send this again.' },
  { code: 'not_permitted', because: 'This device or member may not do that: ask an admin of the group.' },
  { code: 'too_large', because: 'It is larger than the group allows: split it into smaller parts.' },
  {
    code: 'expired',
    because: 'Its deadline passed before it was ordered, so it had no effect: send it again if it is still wanted.',
  },
  { code: 'seq_gap', because: 'An earlier entry of this device is not here yet: it waits for that one.', waits: true },
  { code: 'seq_used', because: 'Another entry already has this number: sign it again with the next number.' },
  { code: 'feed_frozen', because: 'This feed is closed: sign it again in a new feed.' },
  { code: 'forked', because: 'This device has signed two entries with one number: sign this one again in a new feed.' },
  {
    code: 'missing_dependency',
    because: 'A change it builds on is not here yet: make the edit again once it is.',
    waits: true,
  },
  { code: 'not_owner', because: 'It belongs to somebody else: only its owner can do that.' },
  { code: 'fee_below_floor', because: 'The fee is lower than the group asks: send it again with a higher fee.' },
  { code: 'insufficient_funds', because: 'The account does not hold enough for this: lower the amount or the fee.' },
  { code: 'supply_cap', because: 'The token has reached its largest supply: no more can be made.' },
  {
    code: 'account_limit',
    because: 'The group allows one identity no more than it would have then: give something up first.',
  },
  { code: 'policy_violation', because: 'The policy of the group does not allow these values: change them.' },
  { code: 'wrong_state', because: 'It has changed in the meantime: look at its present state and try again.' },
  { code: 'already_known', because: 'This has been done already: nothing is left to do.' },
  {
    code: 'pool_full',
    because: 'Too much is waiting to be ordered: it is kept here and sent again later.',
    waits: true,
  },
  { code: 'rate_limited', because: 'Too many requests in a short time: wait a minute.', waits: true },
  { code: 'invalid_fee_selector', because: 'The fee names an asset that does not exist: choose another.' },
  { code: 'amount_overflow', because: 'The amount is out of range: choose one from 0.001 to what the group can hold.' },
  { code: 'handle_taken', because: 'Somebody else has this handle: choose another.' },
  {
    code: 'handle_invalid',
    because:
      'A handle has 3 to 30 small letters, digits or single hyphens inside, and does not look like a content address: choose another.',
  },
  { code: 'handle_reserved', because: 'This handle is kept free so that nobody is misled: choose another.' },
  { code: 'lease_expired', because: 'The lease of this handle has ended: renew it, then try again.' },
  {
    code: 'puzzle_invalid',
    because: 'The puzzle of the join is not solved for a recent block: solve it again for the newest block.',
  },
  {
    code: 'quota_exceeded',
    because: 'The quota of this identity for today is used up: it waits until tomorrow (UTC).',
    waits: true,
  },
  {
    code: 'clock_ahead',
    because: 'The clock of the device that signed this is ahead by more than 5 minutes: set it right.',
    waits: true,
  },
  {
    code: 'invite_invalid',
    because:
      'This invite does not hold: it is not for this group, or whoever made it is no admin now. Ask for a new one.',
  },
  { code: 'invite_expired', because: 'This invite has expired: ask whoever sent it for a new one.' },
  {
    code: 'invite_used',
    because: 'This invite has been used as often as it may be: ask whoever sent it for a new one.',
  },
  {
    code: 'member_removed',
    because:
      'An admin has taken this member out of the group, so nothing more of it counts: ask an admin to be let in.',
  },
  { code: 'last_admin', because: 'This is the only admin, and a group needs one: make somebody else an admin first.' },
  {
    code: 'document_branched',
    because:
      'Too many versions of this document stand side by side: take in what the others wrote, then make the edit again.',
  },
  {
    code: 'relay_invalid',
    because: 'This is no address of a relay: give one such as wss://relay.example/relay, in lower case.',
  },
  {
    code: 'relays_full',
    because: 'The group lists as many relays as it may: announce this one when another has expired or was retired.',
  },
  { code: 'no_tokens', because: 'This group has no tokens: its founder decided so, and it cannot be changed.' },
  { code: 'no_such_member', because: 'Nobody in this group has this address: check it, or ask them to join first.' },
  {
    code: 'device_revoked',
    because:
      'Another device with the same recovery phrase has revoked this one, so nothing more that it signs counts: use another device.',
  },
  {
    code: 'reward_limit',
    because:
      'This member has had as many rewards for claims as the group gives in a day: ask for this one tomorrow (UTC).',
  },
  { code: 'too_early', because: 'Its deadline has not passed yet: wait for it, or ask those who may act before.' },
  {
    code: 'validator_not_ready',
    because: 'The device of this validator has not said lately that it is ready: open it there, then try again.',
  },
  {
    code: 'validators_invalid',
    because:
      'These validators could not go on ordering: keep one, or so many that one may be away, and three for each that may cheat and one more.',
  },
  {
    code: 'door_shut',
    because: 'As many have joined as may in one hour: it is kept here and sent again when the next hour begins.',
    waits: true,
  },
] as const satisfies readonly CodeRow[];

export type Code = (typeof ROWS)[number]['code'];

/** In the order of their numbers, which start at 1; 0 is `ok`. */
export const CODES: readonly (CodeRow & { readonly code: Code })[] = ROWS;

const rowsByCode: ReadonlyMap<string, CodeRow> = new Map(ROWS.map((row) => [row.code, row]));
const numbersByCode: ReadonlyMap<string, number> = new Map(ROWS.map((row, at) => [row.code, at + 1]));

export function isCode(text: string): text is Code {
  return rowsByCode.has(text);
}

/** The sentence for people. */
export function becauseOf(code: Code): string {
  return rowsByCode.get(code)!.because;
}

/** 1 for `bad_encoding`, and so on. */
export function codeNumber(code: Code): number {
  return numbersByCode.get(code)!;
}

/** Whether an entry refused with this code may be admitted later without being signed again. */
export function codeWaits(code: Code): boolean {
  return rowsByCode.get(code)!.waits === true;
}
