// What the app says of who orders a group: how many must be here, who is, what changes, and what was proven of cheats.

import type { GroupOrder, GroupOrderer, MisbehaviourReport, NamedMember, VoteKind } from '../order-api.ts';
import { countOf, formatDuration, formatSpan, formatTime, groupDigits, shorten } from './format.ts';
import { nameMember } from './group-words.ts';

/** Characters of a key that tell two devices apart at a glance. */
const KEY_END = 4;

/** `Ann`, or the key that nobody has claimed. */
export function nameOrderer({ member, key }: Pick<GroupOrderer, 'member' | 'key'>): string {
  return member === null ? `Key ${shorten(key)}` : nameMember(member);
}

/** How many must be here, how many are, and what that means: `3 of 4 must be here; 2 are: nothing becomes final until one returns.` */
export function describeQuorum({ orderers, quorum }: Pick<GroupOrder, 'orderers' | 'quorum'>): string {
  const here = orderers.filter(({ online }) => online).length;
  const [only, ...more] = orderers;
  if (only !== undefined && more.length === 0) {
    if (only.here) return 'This device alone makes entries final: while it is away, nothing becomes final.';
    const alone = `${nameOnlyOne(only)} alone`;
    return only.online
      ? `${alone} makes entries final, and it is here.`
      : `${alone} makes entries final, and it is away: nothing becomes final until it returns.`;
  }
  const start = `${quorum} of ${orderers.length} must be here; ${here === orderers.length ? `all ${here}` : here} ${here === 1 ? 'is' : 'are'}`;
  const lacking = quorum - here;
  if (lacking > 0) {
    return `${start}: nothing becomes final until ${lacking === 1 ? 'one returns' : `${lacking} return`}.`;
  }
  const spare = here - quorum;
  return spare === 0
    ? `${start}: when one leaves, nothing becomes final.`
    : `${start}, so ${spare === 1 ? 'one' : spare} may leave.`;
}

function nameOnlyOne({ member }: GroupOrderer): string {
  if (member === null) return 'One device';
  return member.you ? 'Another device of yours' : `A device of ${nameMember(member)}`;
}

export function describeTolerance(tolerated: number): string {
  if (tolerated === 0) return 'none: whoever orders is trusted not to sign two histories';
  return `${countOf(tolerated, 'device')} of them, and nobody is deceived`;
}

/** Beside the sign for here or away: `for 5 minutes · has block 128`; '' when nothing more is known. */
export function describeHealth({ here, since, height }: GroupOrderer, now: number): string {
  const parts = [
    here ? 'this device' : since === null ? '' : `for ${formatSpan(now - since)}`,
    height === null ? '' : `has block ${groupDigits(height)}`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** By key; two devices of one member are told apart by the ends of their keys. */
export function nameEach(
  orderers: readonly Pick<GroupOrderer, 'member' | 'key'>[],
): readonly (readonly [key: string, name: string])[] {
  const names = Map.groupBy(orderers, nameOrderer);
  return orderers.map((one) => {
    const name = nameOrderer(one);
    return [one.key, names.get(name)?.length === 1 ? name : `${name} …${one.key.slice(-KEY_END)}`];
  });
}

export function describeFinality(finality: GroupOrder['finality']): string {
  if (finality === null) return 'not known yet: this device has seen none since it was started';
  const { median, entries } = finality;
  return `${formatDuration(median)}, as half of the last ${countOf(entries, 'entry', 'entries')} took no longer`;
}

/** What the set would be, and from when on. */
export function describeNewOrder(next: { devices: number; quorum: number; from: number | null }): string {
  const { devices, quorum, from } = next;
  const must = devices === 1 ? 'one device orders, and must be here' : `${quorum} of ${devices} must be here`;
  const when =
    from === null
      ? 'From the next block on'
      : `From ${formatTime(from)} on, as the last change was less than an hour before`;
  return `${when}, ${must}.`;
}

/** What a person has to know and do where no quorum said who orders (LC16); null where that never was. */
export function describeRecoveries(recoveries: GroupOrder['recoveries']): string | null {
  const last = recoveries.at(-1);
  if (last === undefined) return null;
  return (
    `At block ${groupDigits(last.height)} (${formatTime(last.time)}) identities named at the founding said who orders, as ` +
    `too few of those before were there. Ask them whether it was they, and the others whether they see the same: two ` +
    `such changes could show two histories.`
  );
}

/** Who could do so next, and when. */
export function describeRecovery(recovery: NonNullable<GroupOrder['recovery']>, now: number): string {
  const { identities, threshold, from } = recovery;
  const names = identities.map((identity) => (identity.you ? 'you' : nameMember(identity))).join(', ');
  const who = threshold === 1 ? `one of: ${names}` : `${threshold} together of: ${names}`;
  const when = from <= now ? 'Nothing became final for a week' : `If nothing becomes final until ${formatTime(from)}`;
  return `${when}: the group could be handed over by ${who}.`;
}

const VOTES: Readonly<Record<VoteKind, string>> = {
  notarize: 'that one block comes next',
  nullify: 'that no block comes',
  finalize: 'that a block is final',
};

/** What was proven, as a title and what it means. */
export function describeReport(report: MisbehaviourReport): { readonly title: string; readonly text: string } {
  const who = report.member === null ? 'a device nobody here knows' : whose(report.member);
  if (report.kind === 'feed') {
    const { device, seq } = report;
    return {
      title: `Two entries with one number, signed by ${who}`,
      text:
        `The device ${shorten(device)} signed two different entries with the number ${seq}, as a copied or restored ` +
        `browser does, or a cheat. The one that was ordered first counts. Its series of entries takes no more; ` +
        `the device goes on in a new one.`,
    };
  }
  const { key, height, votes } = report;
  const signed =
    votes === null
      ? 'two votes that contradict each other'
      : votes.first === votes.second
        ? `two votes for different blocks in round ${groupDigits(votes.view)}`
        : `two votes in round ${groupDigits(votes.view)}: ${VOTES[votes.first]}, and ${VOTES[votes.second]}`;
  return {
    title: `Two votes that contradict each other, signed by ${who}`,
    text:
      `The key ${shorten(key)} signed ${signed}. Block ${groupDigits(height)} took it out of those who order, and it ` +
      `never comes back. What is final stays final.`,
  };
}

function whose(member: NamedMember): string {
  return member.you ? 'a device of yours' : `a device of ${nameMember(member)}`;
}
