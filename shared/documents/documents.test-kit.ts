// A few members of a group with their documents, and a chain that is nothing but the acceptance rule: whoever tests says what arrives where.

import { createMemoryDisk, type MemoryDisk } from '../../test/simulator/memory-store.ts';
import { createUnsignedPerson, START, type Person } from '../../test/simulator/ledger-world.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { assert } from '../core/assert.ts';
import {
  documentChangeOperation,
  readEntryChanges,
  type ChangeHash,
  type DocumentOperation,
} from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import { createEntry, parseEntry, type Operation, type VerifiedEntry } from '../feeds/entry.ts';
import { advanceFeed, nextEntryBody } from '../feeds/feed.ts';
import { acceptDocuments, type Acceptance, type AcceptanceStart } from '../ledger/document-acceptance.ts';
import { createDocumentIndex } from '../ledger/document-index.ts';
import type { Log } from '../platform/ports.ts';
import { createChangeReader } from './change-reader.ts';
import { GroupDocuments } from './group-documents.ts';

export const PAGE = 'pages/one' as DocumentName;
export const PEOPLE = 'people' as DocumentName;

const read = createChangeReader();

export type Member = { readonly person: Person; readonly disk: MemoryDisk; documents: GroupDocuments };

/** Random bytes that are the same in every run, and others with each call. */
function createTestRandom() {
  let last = 0;
  return { bytes: (length: number) => new Uint8Array(length).fill(++last & 255) };
}

export async function openMember(
  person: Person,
  disk: MemoryDisk = createMemoryDisk(),
  warn: Log['warn'] = silent.warn,
): Promise<Member> {
  const documents = await GroupDocuments.open({
    store: disk.openStore(),
    device: person.signer.key,
    identity: person.identity,
    log: { ...silent, warn },
    random: createTestRandom(),
  });
  return { person, disk, documents };
}

/** `warn` hears of what a fold leaves out. */
export async function createMember(name: string, warn?: Log['warn']): Promise<Member> {
  return openMember(await createUnsignedPerson(name), createMemoryDisk(), warn);
}

/** Reads itself like an entry that came over the wire and was verified, by the real reader. */
export async function writeEntry(person: Person, operations: readonly DocumentOperation[]): Promise<VerifiedEntry> {
  return writeOperations(person, operations.map(documentChangeOperation));
}

async function writeOperations(person: Person, ops: readonly Operation[]): Promise<VerifiedEntry> {
  const body = nextEntryBody(person.writer, { time: START, ops, sort: 'document' });
  const { bytes } = await createEntry({ body, signer: person.signer });
  const parsed = parseEntry(bytes);
  assert(parsed.ok, 'the test wrote an entry that does not parse');
  const { id, size } = parsed.value;
  person.writer = advanceFeed(person.writer, { seq: body.seq, head: id });
  const { identity } = person;
  const changes = readEntryChanges({ body: parsed.value.body, author: identity, read });
  return { id, body: parsed.value.body, identity, bytes, size, changes, authorised: true } as VerifiedEntry;
}

/** What its owner typed since, as an entry; undefined when there is nothing. */
export async function sendEdits(member: Member): Promise<VerifiedEntry | undefined> {
  const { person, documents } = member;
  const operations = documents.takeUnsent({ feed: person.writer.feed, seq: person.writer.seq + 1 });
  documents.keepTaken();
  if (operations.length === 0) return undefined;
  const entry = await writeEntry(person, operations);
  documents.takePending(entry, true);
  return entry;
}

/** Orders entries as a validator would, and tells which came out void. */
export class TestChain {
  readonly index = createDocumentIndex();
  readonly #heads = new Map<DocumentName, ReturnType<AcceptanceStart['headsOf']>>();
  height = 0;

  order(entries: readonly VerifiedEntry[], members: readonly Member[]): Acceptance {
    const accepted = acceptDocuments({ entries, index: this.index, headsOf: (name) => this.#heads.get(name) ?? [] });
    this.index.add(accepted.accepted);
    for (const [name, heads] of accepted.heads) this.#heads.set(name, heads);
    this.height += 1;
    for (const { documents } of members) {
      const ordered = entries.map((entry) => ({ entry, accepted: !accepted.refusals.has(entry.id) }));
      documents.takeFinal([{ height: this.height, entries: ordered }]);
    }
    return accepted;
  }

  headsOf(name: DocumentName): readonly ChangeHash[] {
    return (this.#heads.get(name) ?? []).map(({ hash }) => hash);
  }
}

/** As a node does after a block. */
export async function saveAll({ documents, disk }: Member): Promise<void> {
  const { batch, written } = documents.save();
  await disk.openStore().write(batch, 'strict');
  written();
}
