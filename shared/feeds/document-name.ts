// Names of documents in a group: a fixed grammar, so that a name says how many hands may write where (DC1, DC2).

import type { Brand } from '../core/brand.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';

/** `about`, `people`, `tasks`, `offers`, `claims/<yyyy-mm>`, `pages/<id>`, `sites/<name>`. */
export type DocumentName = Brand<string, 'DocumentName'>;

/** `claims/`, and the longest id behind it: what a parser reads at all. */
export const DOCUMENT_NAME_BYTES_MAX = 72;

const NAME = /^(?:about|people|tasks|offers|claims\/\d{4}-(?:0[1-9]|1[0-2])|(?:pages|sites)\/[a-z0-9-]{1,64})$/u;
const OWNED = /^(?:people$|tasks$|offers$|claims\/)/u;

export function parseDocumentName(text: string): Result<DocumentName, Failure<'bad_document'>> {
  if (text.length <= DOCUMENT_NAME_BYTES_MAX && NAME.test(text)) return ok(text as DocumentName);
  return fail(
    'bad_document',
    'A document is about, people, tasks, offers, claims/<yyyy-mm>, pages/<id> or sites/<name>, with an id of small letters, digits and hyphens.',
  );
}

/** In an owned document a change writes only below the root key of its own identity (DC2). */
export function isOwned(name: DocumentName): boolean {
  return OWNED.test(name);
}
