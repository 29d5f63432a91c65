// How a page is kept: the document `pages/<id>` with its title under `title` and its text under `text`.

/** Characters; as the title of a task. */
export const TITLE_LENGTH_MAX = 256;

const PAGE = /^pages\/([a-z0-9-]{1,64})$/;
/** Of 36^12 ids, which no group exhausts or guesses. */
const ID_LENGTH = 12;
const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** `pages/to-do` → `to-do`; null for any other document. */
export function pageOf(document: string): string | null {
  return PAGE.exec(document)?.[1] ?? null;
}

export function drawPageId(): string {
  const drawn = crypto.getRandomValues(new Uint32Array(ID_LENGTH));
  return Array.from(drawn, (one) => ID_LETTERS[one % ID_LETTERS.length]!).join('');
}

export type PageValue = {
  readonly title: string;
  readonly text: string;
  /** Whether there is a text to change. */ readonly begun: boolean;
};

/** Whatever a document holds, as a page: what is missing or of another kind is empty. */
export function readPage(value: unknown): PageValue {
  const { title, text } = (value ?? {}) as { title?: unknown; text?: unknown };
  return {
    title: typeof title === 'string' ? title : '',
    text: typeof text === 'string' ? text : '',
    begun: typeof text === 'string',
  };
}
