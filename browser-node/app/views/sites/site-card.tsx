// One site of one's own: its link, its version, its copies, and what can be done with it.

import type { OwnSite } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button, CopyButton, LinkButton } from '../../components/button.tsx';
import { SiteAddress } from '../../components/site-address.tsx';
import { VisitLine } from '../../components/visit-line.tsx';
import { countOf, displaySite, formatAge, formatBytes } from '../../format.ts';
import { routeTo } from '../../routes.ts';

export function SiteCard({ site }: { site: OwnSite }) {
  const { publish } = useApp();
  const update = (): void => {
    publish.begin({ handle: site.handle, name: site.name });
    location.hash = routeTo('start');
  };
  return (
    <li class="card site">
      <div class="site-head">
        <h2>
          <a href={site.url} target="_blank" rel="noopener">
            <SiteAddress url={site.url} />
          </a>
        </h2>
        <span class={`tag ${site.copies > 0 ? 'good' : 'warn'}`}>
          {site.copies > 0 ? `${countOf(site.copies, 'copy', 'copies')} held` : 'no copy held yet'}
        </span>
      </div>
      <p class="faint">
        {displaySite(site)} · version {site.seq} · {countOf(site.files, 'file')} · {formatBytes(site.bytes)} ·{' '}
        {formatAge(site.publishedAt, Date.now())}
      </p>
      <VisitLine url={site.url} atOnce={false} />
      <div class="actions">
        <LinkButton icon="open" href={site.url} outside>
          Open
        </LinkButton>
        <CopyButton text={site.url} what={`link of ${displaySite(site)}`} />
        <Button icon="publish" onClick={update}>
          New version
        </Button>
        <LinkButton look="quiet" href={routeTo({ view: 'site', handle: site.handle, name: site.name })}>
          Versions and more<span class="unseen"> of {displaySite(site)}</span>
        </LinkButton>
      </div>
    </li>
  );
}
