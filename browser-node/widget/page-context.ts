// What all widgets of a page share: where the script came from, one client per edge and commons, and what that is worth.

import { parseCid, type Cid } from '../../shared/codec/cid.ts';
import { parseCheckpoint } from '../../shared/light-client/checkpoint.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { createCommonsClient, type CommonsClient } from './commons-client.ts';

export type PageContext = {
  readonly script: URL;
  readonly clients: Map<string, CommonsClient>;
};

export type Backing = {
  readonly client: CommonsClient;
  /** What the reader relies on, in a sentence. */
  readonly trust: string;
};

/** From `edge="https://…"` (default: where the script came from) `commons="bafy…"` and `checkpoint="120:bafy…"` (default: what the edge names). */
export function openBacking(page: PageContext, host: HTMLElement): Result<Backing, Failure> {
  const [edgeText, pinText] = [host.getAttribute('edge'), host.getAttribute('commons')?.trim()];
  const base = edgeText ?? page.script.href;
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol)) {
    return fail('bad_edge', 'The page says edge="…" with something that is no address.');
  }
  const edge = new URL(base);
  const pin = pinText ? parseCid(pinText) : null;
  if (pin && !pin.ok) return fail('bad_pin', 'The page says commons="…" with something that is no group id.');
  const known = host.getAttribute('checkpoint');
  const checkpoint = known ? parseCheckpoint(known) : null;
  if (known && !checkpoint) {
    return fail('bad_pin', 'The page says checkpoint="…" with something that is no change of validators.');
  }
  const name = `${edge.origin} ${pin?.value ?? ''} ${known ?? ''}`;
  const client =
    page.clients.get(name) ?? createCommonsClient(edge.origin, { commons: pin?.value ?? null, checkpoint });
  page.clients.set(name, client);
  return ok({ client, trust: describeTrust(page, { edge, pin: pin?.value ?? null }) });
}

/** LC1: the pin and the code that checks are all that has to be trusted; this says whose word each of them is. */
function describeTrust({ script }: PageContext, { edge, pin }: { edge: URL; pin: Cid | null }): string {
  const own = script.origin === location.origin || hasIntegrity(script);
  if (pin !== null && own) return 'This page itself names the commons and the code that checked.';
  if (pin !== null)
    return `This page names the commons. ${script.host} sent the code that checked: this is as good as ${script.host}.`;
  const both = own ? edge.host : [...new Set([edge.host, script.host])].join(' and ');
  const what = own
    ? `This page names the code that checked, ${edge.host} the commons`
    : `${both} named the commons and sent the code that checked`;
  return `${what}: this is as good as ${both}.`;
}

function hasIntegrity(script: URL): boolean {
  const written = document.querySelectorAll<HTMLScriptElement>('script[src][integrity]');
  return [...written].some(({ src, integrity }) => src === script.href && integrity !== '');
}
