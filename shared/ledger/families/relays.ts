// Relays that members run for everybody: announced with an end, renewed while they live, retired by who announced them (LG50, LG51).

import { parseRelayAddress } from '../../session/relay-address.ts';
import { relayAnnounceBody, relayRetireBody } from '../commons-bodies.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { RELAYS, RELAYS_MAX, type AnnouncedRelay } from '../relay-records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** So that one member cannot be all relays there are. */
const RELAYS_PER_MEMBER_MAX = 2;
/** A relay that nobody renews for a month is gone. */
export const RELAY_TERM_MAX: number = 30 * 24 * 60 * 60 * 1_000;

/** Announces, or renews what one announced oneself; whose term ended makes room. */
export const relayAnnounce = defineOperation({
  ...relayAnnounceBody,
  apply(context, { url: word, expires }) {
    const { entry, blockTime } = context;
    const url = parseRelayAddress(word);
    if (!url.ok) return 'relay_invalid';
    if (expires <= blockTime) return 'expired';
    if (expires > blockTime + RELAY_TERM_MAX) return 'policy_violation';
    const alive = livingRelays(context);
    const present = alive.find((relay) => relay.url === url.value);
    if (present !== undefined && present.by !== entry.identity) return 'not_owner';
    const others = alive.filter((relay) => relay !== present);
    if (others.filter(({ by }) => by === entry.identity).length >= RELAYS_PER_MEMBER_MAX) return 'account_limit';
    if (others.length >= RELAYS_MAX) return 'relays_full';
    writeRelays(context, [...others, { url: url.value, by: entry.identity, expires }]);
    return undefined;
  },
});

export const relayRetire = defineOperation({
  ...relayRetireBody,
  apply(context, { url }) {
    const alive = livingRelays(context);
    const present = alive.find((relay) => relay.url === url);
    if (present === undefined) return 'wrong_state';
    if (present.by !== context.entry.identity) return 'not_owner';
    writeRelays(
      context,
      alive.filter((relay) => relay !== present),
    );
    return undefined;
  },
});

function livingRelays({ draft, blockTime }: OperationContext): readonly AnnouncedRelay[] {
  return (readRecord(draft, RELAYS, 'all') ?? []).filter(({ expires }) => expires > blockTime);
}

function writeRelays({ draft }: OperationContext, relays: readonly AnnouncedRelay[]): void {
  const value = relays.toSorted((a, b) => (a.url < b.url ? -1 : 1));
  writeRecord(draft, { type: RELAYS, id: 'all', value });
}
