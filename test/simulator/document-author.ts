// Who writes documents in tests of the ledger: entries with the actors and numbers that an honest node gives them.

import {
  actorIdOf,
  documentChangeOperation,
  type ActorId,
  type ChangeHash,
} from '../../shared/feeds/document-change.ts';
import type { DocumentName } from '../../shared/feeds/document-name.ts';
import type { VerifiedEntry } from '../../shared/feeds/entry.ts';
import { encodeTestChange, hashOfChange } from './document-changes.ts';
import { createUnsignedPerson, createWorld, write, type Person, type World } from './ledger-world.ts';

export type DocumentAuthor = {
  readonly person: Person;
  /** By document: the actor it writes as, and its last change. */
  readonly actors: Map<DocumentName, { readonly actor: ActorId; readonly seq: number }>;
};

export type TestEdit = {
  readonly document: DocumentName;
  readonly deps?: readonly ChangeHash[];
  readonly ownOnly?: boolean;
  /** Begins another actor, as after a void. */
  readonly afresh?: boolean;
};

/** An entry with one change, and the hash of that. */
export async function writeEdit(
  author: DocumentAuthor,
  { document, deps = [], ownOnly = true, afresh = false }: TestEdit,
): Promise<{ entry: VerifiedEntry; hash: ChangeHash }> {
  const { person, actors } = author;
  const { feed, seq: last } = person.writer;
  const known = afresh ? undefined : actors.get(document);
  const actor = known?.actor ?? actorIdOf({ feed, document, start: last + 1 });
  const change = { actor, seq: (known?.seq ?? 0) + 1, deps, ownOnly };
  actors.set(document, change);
  const operation = documentChangeOperation({ document, changes: [encodeTestChange(change)] });
  return { entry: await write(person, [operation], { sort: 'document' }), hash: hashOfChange(change) };
}

/** A group with documents, and its members as authors; the first is its admin. */
export async function foundAuthors(count: number): Promise<{ world: World; all: DocumentAuthor[] }> {
  const people = await Promise.all(Array.from({ length: count }, (_, at) => createUnsignedPerson(`author ${at}`)));
  const world = createWorld(people, { join: 'invite', policy: { read: 'members' } });
  return { world, all: people.map((person) => ({ person, actors: new Map() })) };
}
