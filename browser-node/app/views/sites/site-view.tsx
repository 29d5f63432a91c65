// One site of one's own: where it is, its versions, who holds it, how to show it elsewhere, and other sites of its handle.

import type { OwnSite } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button, CopyButton, LinkButton } from '../../components/button.tsx';
import { Finality } from '../../components/finality.tsx';
import { Empty, Card, Facts, Page } from '../../components/page.tsx';
import { SiteAddress } from '../../components/site-address.tsx';
import { VisitLine } from '../../components/visit-line.tsx';
import { countOf, displaySite, formatAge, formatBytes, shorten } from '../../format.ts';
import { routeTo } from '../../routes.ts';
import { writeWidgetSnippet } from '../../widget-snippet.ts';
import { ExportCar } from './export-car.tsx';
import { JobRow } from './job-row.tsx';
import { NamedSites } from './named-sites.tsx';
import { UnpublishButton } from './unpublish-button.tsx';
import { VersionTable } from './version-table.tsx';

export function SiteView({ handle, name }: { handle: string; name: string }) {
  const { known } = useApp();
  const sites = known.sites.value;
  const site = sites?.find((one) => one.handle === handle && one.name === name);
  const back = <a href={routeTo('sites')}>All sites</a>;
  if (site === undefined) {
    return (
      <Page title={displaySite({ handle, name })} lead={back}>
        {sites === undefined ? (
          <p role="status">Looking it up…</p>
        ) : (
          <Empty title="You publish nothing there now.">
            <LinkButton look="main" icon="publish" href={routeTo('start')}>
              Publish a folder
            </LinkButton>
          </Empty>
        )}
      </Page>
    );
  }
  const jobs = known.jobs.value?.filter(
    (job) => job.handle === handle && job.name === name && job.state !== 'held' && job.failure?.code !== 'cancelled',
  );
  return (
    <Page title={displaySite(site)} lead={back}>
      <ul class="plain-list">
        {jobs?.map((job) => (
          <JobRow key={job.id} job={job} />
        ))}
      </ul>
      <Present site={site} />
      <VersionTable site={site} />
      <Card title="Show it on another page">
        <Snippet site={site} />
      </Card>
      <NamedSites site={site} />
      <Card title="Keep it, or take it down">
        <p>Unpublishing frees the link, not the handle: that stays yours.</p>
        <div class="actions">
          <ExportCar site={site} />
          <UnpublishButton site={site} />
        </div>
      </Card>
    </Page>
  );
}

function Present({ site }: { site: OwnSite }) {
  const { publish } = useApp();
  const update = (): void => {
    publish.begin({ handle: site.handle, name: site.name });
    location.hash = routeTo('start');
  };
  return (
    <Card title="Now">
      <Facts
        rows={[
          [
            'Link',
            <a href={site.url} target="_blank" rel="noopener">
              <SiteAddress url={site.url} />
            </a>,
          ],
          [
            'Version',
            <>
              {site.seq}, {formatAge(site.publishedAt, Date.now())} <Finality state="final" />
            </>,
          ],
          ['Size', `${countOf(site.files, 'file')}, ${formatBytes(site.bytes)}`],
          ['Copies', describeCopies(site.copies)],
          [
            'Manifest',
            <>
              <code>{shorten(site.manifest)}</code> <CopyButton look="quiet" text={site.manifest} what="manifest" />
            </>,
          ],
        ]}
      />
      <VisitLine url={site.url} atOnce={false} />
      <div class="actions">
        <Button look="main" icon="publish" onClick={update}>
          New version
        </Button>
        <LinkButton icon="open" href={site.url} outside>
          Open
        </LinkButton>
        <CopyButton text={site.url} what={`link of ${displaySite(site)}`} />
      </div>
    </Card>
  );
}

function describeCopies(copies: number): string {
  if (copies === 0) return 'only this device has it: keep a tab open until another node says that it holds every file';
  return `${countOf(copies, 'other node says', 'other nodes say')} that every file is there; this device has it too`;
}

function Snippet({ site }: { site: OwnSite }) {
  const { known } = useApp();
  const { commons, checkpoint } = known.status.value ?? {};
  const { handle, name } = site;
  const snippet = writeWidgetSnippet({
    edge: location.origin,
    handle,
    name,
    ...(commons === undefined ? {} : { commons }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  return (
    <>
      <p>
        A card with its title, its version and who holds it, checked in the browser of whoever reads that page. Paste
        this where it shall stand:
      </p>
      <pre class="snippet">{snippet}</pre>
      <div class="actions">
        <CopyButton text={snippet} what="snippet" />
      </div>
    </>
  );
}
