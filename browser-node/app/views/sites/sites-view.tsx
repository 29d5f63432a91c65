// One's own sites, and those still on their way.

import { useApp } from '../../app-state.ts';
import { LinkButton } from '../../components/button.tsx';
import { Empty, Page } from '../../components/page.tsx';
import { routeTo } from '../../routes.ts';
import { JobRow } from './job-row.tsx';
import { SiteCard } from './site-card.tsx';

export function SitesView() {
  const { known } = useApp();
  const sites = known.sites.value;
  const jobs = known.jobs.value?.filter((job) => job.state !== 'held' && job.failure?.code !== 'cancelled') ?? [];
  return (
    <Page title="Sites" lead={sites?.length ? 'What you publish, and how many other nodes hold it.' : undefined}>
      {jobs.length > 0 && (
        <section aria-labelledby="jobs-title">
          <h2 id="jobs-title">{jobs.every(({ state }) => state === 'failed') ? 'Not published' : 'On their way'}</h2>
          <ul class="plain-list">
            {jobs.map((job) => (
              <JobRow key={job.id} job={job} />
            ))}
          </ul>
        </section>
      )}
      {sites === undefined && <p role="status">Looking up your sites…</p>}
      {sites?.length === 0 && jobs.length === 0 && (
        <Empty title="No site yet.">
          <p>A folder with an index.html is enough for the first.</p>
          <LinkButton look="main" icon="publish" href={routeTo('start')}>
            Publish a folder
          </LinkButton>
        </Empty>
      )}
      <ul class="plain-list">
        {sites?.map((site) => (
          <SiteCard key={`${site.handle}/${site.name}`} site={site} />
        ))}
      </ul>
    </Page>
  );
}
