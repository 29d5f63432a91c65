// An invite as people paste it: the whole address, with what chat programs put around it, or only what follows `#join=`.

const JOIN = '#join=';
/** What the link carries behind `#join=`: base64url or base32, with room for other alphabets of addresses. */
const INVITE = /^[\w.~%+/=-]+$/;
const SHORTEST = 16;

/** The part behind `#join=`, or null when the text has none. */
export function readInviteLink(text: string): string | null {
  const packed = text.replaceAll(/\s+/g, '').replaceAll(/^[<("'“]+|[>)"'”.,;]+$/g, '');
  const at = packed.indexOf(JOIN);
  const invite = at >= 0 ? packed.slice(at + JOIN.length) : packed;
  if (at < 0 && (invite.includes(':') || invite.length < SHORTEST)) return null;
  return invite !== '' && INVITE.test(invite) ? invite : null;
}
