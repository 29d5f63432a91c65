// The versions of a site, and going back to an earlier one: that is a new version with the old content.

import type { OwnSite, SiteVersion } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { Finality } from '../../components/finality.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { useQuestion } from '../../components/use-question.ts';
import { countOf, displaySite, formatAge, formatBytes, formatDate } from '../../format.ts';
import { versionUrl } from '../../version-url.ts';

export function VersionTable({ site }: { site: OwnSite }) {
  const { handle, name } = site;
  const { value, failure } = useLive(
    (api) => api.sites.versions({ handle, name }),
    (known) => known.sites.value,
  );
  const versions = value.value;
  if (versions?.length === 0) return null;
  return (
    <Card title="Versions">
      {versions === undefined && failure.value === undefined && <p role="status">Looking up the versions…</p>}
      <FailureNotice failure={failure.value} />
      <ul class="rows">
        {versions?.map((version) => (
          <VersionRow key={`${version.seq} ${version.manifest}`} site={site} version={version} />
        ))}
      </ul>
    </Card>
  );
}

function VersionRow({ site, version }: { site: OwnSite; version: SiteVersion }) {
  const { manifest, publishedAt, files, bytes, current } = version;
  return (
    <li>
      <div>
        <a href={versionUrl(site.url, manifest)} target="_blank" rel="noopener">
          {capitalise(nameOf(version))}
          <span class="unseen"> (opens in a new tab)</span>
        </a>
        <p class="faint">
          {formatAge(publishedAt, Date.now())} · {countOf(files, 'file')} · {formatBytes(bytes)}
        </p>
      </div>
      <span class="row-end">
        {current && <span class="tag">current</span>} <Finality state="final" />
      </span>
      {!current && (
        <div class="actions row-actions">
          <RollbackButton site={site} version={version} />
        </div>
      )}
    </li>
  );
}

function RollbackButton({ site, version }: { site: OwnSite; version: SiteVersion }) {
  const { say } = useApp();
  const question = useQuestion();
  const { handle, name } = site;
  const rollback = (): void =>
    question.answer(
      (api) => api.sites.rollback({ handle, name, manifest: version.manifest }),
      (done) => say(`Version ${done.seq} shows what ${nameOf(version)} was`),
    );
  return (
    <>
      <Button look="quiet" onClick={question.ask}>
        Go back to this one<span class="unseen"> ({nameOf(version)})</span>
      </Button>
      <ConfirmDialog
        title={`Show ${nameOf(version)} of ${displaySite(site)} again?`}
        confirm={`Go back to ${version.seq ?? 'it'}`}
        keep="Leave it"
        question={question}
        onConfirm={rollback}
      >
        <p>
          Visitors get the files of {nameOf(version)} as soon as the network has ordered it. It becomes a new version;
          those in between stay in this list.
        </p>
      </ConfirmDialog>
    </>
  );
}

/** Published from another device, a version has no number here. */
function nameOf({ seq, publishedAt }: SiteVersion): string {
  return seq === null ? `the version of ${formatDate(publishedAt)}` : `version ${seq}`;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
