// <weft-site handle="@alice">: a card of a site that shows what was proven about it, and says what was not.

import type { Failure, Result } from '../../shared/core/result.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { formatSiteLabel, parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import type { SiteId } from '../../site-host/local-url.ts';
import { viewCard, type CardFacts, type CardView } from './card-view.ts';
import { createPart, openShadow, setPart, setText } from './draw.ts';
import { openBacking, type Backing, type PageContext } from './page-context.ts';
import { wakeEveryMinute } from './wake.ts';

export const SITE_ATTRIBUTES = ['handle', 'edge', 'commons', 'checkpoint'] as const;

type Card = { show(view: CardView, href: string | null): void };
type Target = Backing & { readonly site: SiteId };

export function connectSite(page: PageContext, host: HTMLElement): () => void {
  const card = drawCard(openShadow(host));
  const written = host.getAttribute('handle') ?? '';
  const target = readTarget(page, host, written);
  const address = target.ok ? `@${formatSiteLabel(target.value.site)}` : written;
  let facts: CardFacts = {
    address,
    proven: null,
    trouble: target.ok ? null : target.error,
    version: null,
    copies: null,
    trust: target.ok ? target.value.trust : '',
    now: Date.now(),
  };
  let alive = true;
  let told = '';

  const learn = (news: Partial<CardFacts>): void => {
    if (!alive) return;
    facts = { ...facts, ...news, now: Date.now() };
    const view = viewCard(facts);
    card.show(view, hrefOf(facts, target));
    if (told === view.state + view.code) return;
    told = view.state + view.code;
    const { state, code, sentence } = view;
    host.dispatchEvent(new CustomEvent('weft-state', { bubbles: true, detail: { state, code, sentence } }));
  };
  learn({});
  if (!target.ok) return () => (alive = false);

  const refresh = async (): Promise<void> => {
    const { client, site } = target.value;
    const answer = await client.site(site);
    if (!answer.ok) return learn({ trouble: answer.error });
    const record = answer.value.site;
    const before = facts.proven?.site.ok ? facts.proven.site.value.manifest : null;
    const changed = record.ok && record.value.manifest !== before;
    learn({ proven: answer.value, trouble: null, ...(changed && { version: null, copies: null }) });
    if (!record.ok) return;
    const { manifest } = record.value;
    // Neither waits for the other: both are extras to what is proven.
    await Promise.all([
      client.version(manifest).then((version) => learn({ version })),
      client.copies(manifest).then((copies) => learn({ copies })),
    ]);
  };
  void refresh();
  const stop = wakeEveryMinute(() => void refresh());
  return () => {
    alive = false;
    stop();
  };
}

function readTarget(page: PageContext, host: HTMLElement, written: string): Result<Target, Failure> {
  const label = written
    .trim()
    .toLowerCase()
    .replace(/^@/, '')
    .replace(/\.site$/, '');
  const site = parseSiteLabel(label);
  if (!site.ok) return fail('handle_invalid', `“${written}” cannot be a handle. ${site.error.because}`);
  const backing = openBacking(page, host);
  return backing.ok ? ok({ ...backing.value, site: site.value }) : backing;
}

/** Where the edge says that sites are. Nothing proves that, and the site's own origin checks itself again. */
function hrefOf({ proven }: CardFacts, target: Result<Target, Failure>): string | null {
  if (!target.ok || !proven?.sites || !proven.site.ok) return null;
  return proven.sites.replace('*', formatSiteLabel(target.value.site));
}

function drawCard(root: ShadowRoot): Card {
  const link = document.createElement('a');
  const name = createPart('span', 'name');
  const title = createPart('p', 'title', link);
  const address = createPart('p', 'address');
  const status = createPart('p', 'status');
  status.setAttribute('role', 'status');
  const mark = createPart('span', 'mark');
  mark.setAttribute('aria-hidden', 'true');
  const list = createPart('dl', 'facts');
  const card = createPart('article', 'card loading', title, address, createPart('div', 'line', mark, status), list);
  root.append(card);
  return {
    show(view, href) {
      setPart(card, `card ${view.state}`);
      card.setAttribute('aria-busy', String(view.state === 'loading'));
      card.setAttribute('aria-label', view.title);
      const heading = href === null ? name : link;
      if (href !== null) link.href = href;
      setText(heading, view.title);
      if (title.firstChild !== heading) title.replaceChildren(heading);
      // An unnamed site is titled by its address already.
      setText(
        address,
        [view.address, view.version && `version ${view.version.seq}`]
          .filter((said) => said !== view.title && said)
          .join(' · '),
      );
      address.hidden = address.textContent === '';
      setText(status, view.sentence);
      drawFacts(list, view.facts);
    },
  };
}

function drawFacts(list: HTMLElement, facts: CardView['facts']): void {
  while (list.children.length > facts.length * 2) list.lastChild!.remove();
  facts.forEach(([name, text], at) => {
    for (const [offset, tag, said] of [
      [0, 'dt', name],
      [1, 'dd', text],
    ] as const) {
      const found = list.children[at * 2 + offset] ?? list.appendChild(document.createElement(tag));
      setText(found as HTMLElement, said);
    }
  });
}
