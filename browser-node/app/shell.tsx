// What stays around the views: navigation, the state of the network, the banner, and what is said in passing.

import { useRef } from 'preact/hooks';
import { useApp } from './app-state.ts';
import { FailureBoundary } from './components/failure-boundary.tsx';
import { Button } from './components/button.tsx';
import { Icon, type IconName } from './components/icon.tsx';
import { NetworkPill, OfflineBanner } from './components/network-state.tsx';
import { FailureNotice } from './components/notice.tsx';
import { Page } from './components/page.tsx';
import { WeaveMark } from './components/weave-mark.tsx';
import { createLate } from './components/late.tsx';
import { routeTo, sectionOf, VIEWS, type Route, type ViewName } from './routes.ts';
import { THEMES } from './theme.ts';
import { StartView } from './views/start/start-view.tsx';

const NAMES: Readonly<Record<ViewName, { label: string; icon: IconName }>> = {
  start: { label: 'Publish', icon: 'publish' },
  sites: { label: 'Sites', icon: 'sites' },
  groups: { label: 'Groups', icon: 'groups' },
  wallet: { label: 'Wallet', icon: 'wallet' },
  peers: { label: 'Peers', icon: 'peers' },
  status: { label: 'Status', icon: 'status' },
};

/** The first minute needs none of these. */
const GroupsView = createLate(() => import('./views/groups/groups-view.tsx').then((file) => file.GroupsView));
const GroupView = createLate(() => import('./views/groups/group-view.tsx').then((file) => file.GroupView));
const TokensView = createLate(() => import('./views/tokens/tokens-view.tsx').then((file) => file.TokensView));
const OrderView = createLate(() => import('./views/order/order-view.tsx').then((file) => file.OrderView));
const PolicyView = createLate(() => import('./views/policy/policy-view.tsx').then((file) => file.PolicyView));
const DealsView = createLate(() => import('./views/deals/deals-view.tsx').then((file) => file.DealsView));
const PageView = createLate(() => import('./views/page/page-view.tsx').then((file) => file.PageView));
const SiteView = createLate(() => import('./views/sites/site-view.tsx').then((file) => file.SiteView));
const JoinView = createLate(() => import('./views/groups/join-view.tsx').then((file) => file.JoinView));
const SitesView = createLate(() => import('./views/sites/sites-view.tsx').then((file) => file.SitesView));
const WalletView = createLate(() => import('./views/wallet/wallet-view.tsx').then((file) => file.WalletView));
const PeersView = createLate(() => import('./views/peers/peers-view.tsx').then((file) => file.PeersView));
const StatusView = createLate(() => import('./views/status/status-view.tsx').then((file) => file.StatusView));

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const app = useApp();
  const route = app.route.value;
  const connection = app.connection.value;
  return (
    <div class="shell">
      {/* A link would change the hash, which is the address of a view. */}
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href={routeTo('start')} aria-label="weft, to the start">
          <WeaveMark />
          <span aria-hidden="true">weft</span>
        </a>
        <Navigation />
        <div class="top-end">
          <NetworkPill />
          <ThemeToggle />
        </div>
      </header>
      <OfflineBanner />
      <main ref={main} tabIndex={-1}>
        {connection.state === 'failed' ? (
          <Page title="The node could not start">
            <FailureNotice failure={connection.failure}>
              <Button onClick={() => location.reload()}>Try again</Button>
            </FailureNotice>
          </Page>
        ) : (
          <FailureBoundary key={routeTo(route)}>
            <View route={route} />
          </FailureBoundary>
        )}
      </main>
      <Remark />
    </div>
  );
}

function View({ route }: { route: Route }) {
  switch (route.view) {
    case 'start':
      return <StartView />;
    case 'sites':
      return <SitesView />;
    case 'groups':
      return <GroupsView />;
    case 'group':
      return <GroupView groupId={route.groupId} />;
    case 'tokens':
      return <TokensView groupId={route.groupId} />;
    case 'order':
      return <OrderView groupId={route.groupId} />;
    case 'policy':
      return <PolicyView groupId={route.groupId} />;
    case 'deals':
      return <DealsView groupId={route.groupId} />;
    case 'join':
      return <JoinView invite={route.invite} />;
    case 'wallet':
      return <WalletView />;
    case 'peers':
      return <PeersView />;
    case 'status':
      return <StatusView />;
    case 'page':
      return <PageView groupId={route.groupId} page={route.page} />;
    case 'site':
      return <SiteView handle={route.handle} name={route.name} />;
  }
}

function Navigation() {
  const section = sectionOf(useApp().route.value);
  return (
    <nav aria-label="Main">
      <ul>
        {VIEWS.map((view) => (
          <li key={view}>
            <a href={routeTo(view)} aria-current={section === view ? 'page' : undefined}>
              <Icon name={NAMES[view].icon} />
              <span>{NAMES[view].label}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function ThemeToggle() {
  const { theme, say } = useApp();
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={`Colours: ${theme.value}. Change to ${next}`}
      title={`Colours: ${theme.value}`}
      onClick={() => {
        theme.value = next;
        say(next === 'system' ? 'Colours follow the system' : `Colours: ${next}`);
      }}
    >
      <Icon name={theme.value} />
    </button>
  );
}

function Remark() {
  const { remark } = useApp();
  return (
    <div class="remark" role="status">
      {remark.value !== '' && <span>{remark.value}</span>}
    </div>
  );
}
