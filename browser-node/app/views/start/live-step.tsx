// The live link, what a visitor's check of it found, and how to keep what made it.

import type { PublishState } from '../../publish-flow.ts';
import { useApp } from '../../app-state.ts';
import { Button, CopyButton, LinkButton } from '../../components/button.tsx';
import { KeepWallet } from '../../components/keep-wallet.tsx';
import { Page } from '../../components/page.tsx';
import { PublishWarnings } from '../../components/publish-warnings.tsx';
import { SiteAddress } from '../../components/site-address.tsx';
import { VisitLine } from '../../components/visit-line.tsx';
import { displaySite } from '../../format.ts';
import { routeTo } from '../../routes.ts';

export function LiveStep({ state }: { state: Extract<PublishState, { step: 'live' }> }) {
  const { publish } = useApp();
  const { site, target } = state;
  return (
    <Page title={`${displaySite(target)} is live.`}>
      <section class="live" aria-label="Your site">
        <p class="live-url">
          <a href={site.url} target="_blank" rel="noopener">
            <SiteAddress url={site.url} />
          </a>
        </p>
        <VisitLine url={site.url} />
        <div class="actions">
          <LinkButton look="main" icon="open" href={site.url} outside>
            Open
          </LinkButton>
          <CopyButton text={site.url} what="link" />
          <span class="aside">Version {site.seq}</span>
        </div>
      </section>
      <PublishWarnings warnings={state.warnings} />
      <KeepWallet />
      <div class="actions">
        <Button look="quiet" onClick={() => publish.begin()}>
          Publish another folder
        </Button>
        <a class="button quiet" href={routeTo('sites')}>
          All my sites
        </a>
      </div>
    </Page>
  );
}
