// Answers of a worker behind something that encodes bodies by itself, as Cloudflare and its local double do.

import { respond, type SiteRequest } from '../../site-host/respond.ts';

/** What stands in front encodes with these where a visitor takes them. */
const CODINGS = ['br', 'gzip'];
/** Of the bytes as they leave here: wrong once they are encoded on the way (SI25). */
const DIGESTS = ['content-digest', 'repr-digest'];

/** `respond`, with what the visitor takes in place of what the front asks for. */
export async function respondBehindFront(
  request: Request,
  site: Omit<SiteRequest, 'method' | 'headers'>,
): Promise<Response> {
  const accepted = readAcceptEncoding(request);
  const response = await respond({
    ...site,
    method: request.method,
    headers: { get: (name) => (name === 'accept-encoding' ? accepted : request.headers.get(name)) },
  });
  if (mayBeRecoded(response, accepted)) for (const header of DIGESTS) response.headers.delete(header);
  return response;
}

/** Workers are asked for both codings always; what the visitor takes is said apart. */
function readAcceptEncoding(request: Request): string | null {
  const { cf } = request as { cf?: { clientAcceptEncoding?: unknown } };
  if (!cf) return request.headers.get('accept-encoding');
  return typeof cf.clientAcceptEncoding === 'string' ? cf.clientAcceptEncoding : null;
}

/** Encoded, or encoded otherwise, is what the visitor takes in another way than it leaves here. */
function mayBeRecoded({ headers }: Response, accepted: string | null): boolean {
  const taken = CODINGS.filter((coding) => accepted?.includes(coding));
  return taken.some((coding) => coding !== headers.get('content-encoding'));
}
