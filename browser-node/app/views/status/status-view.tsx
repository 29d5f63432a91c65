// How this node is: network, storage, tabs, cryptography, clock, and the few things one can set.

import type { NodeStatus } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { CopyButton } from '../../components/button.tsx';
import { Notice } from '../../components/notice.tsx';
import { Card, Facts, Page } from '../../components/page.tsx';
import { countOf, formatBytes, formatSpan, groupDigits, shorten } from '../../format.ts';
import { THEMES, type Theme } from '../../theme.ts';

/** The ledger refuses entries from clocks further ahead than this (CLOCK_DRIFT_MAX), so people hear of it before. */
const SKEW_WORTH_SAYING = 2 * 60_000;

const NETWORK: Readonly<Record<NodeStatus['network'], string>> = {
  online: 'Online: a validator answers',
  connecting: 'Connecting to a relay',
  offline: 'Offline: no relay answers',
};

const THEME_NAMES: Readonly<Record<Theme, string>> = { system: 'As the system', light: 'Light', dark: 'Dark' };

export function StatusView() {
  const { known } = useApp();
  const status = known.status.value;
  return (
    <Page title="Status" lead="This tab is a node of its own. Here is how it is doing.">
      {status === undefined ? <p role="status">Asking the node…</p> : <StatusContent status={status} />}
      <Card title="Colours">
        <ThemeChoice />
      </Card>
    </Page>
  );
}

function StatusContent({ status }: { status: NodeStatus }) {
  return (
    <>
      <ClockWarning skew={status.clockSkew} />
      <Card title="Network">
        <Facts
          rows={[
            ['State', NETWORK[status.network]],
            ['Last block', groupDigits(status.height)],
            ['Waiting to go out', status.pending === 0 ? 'nothing' : countOf(status.pending, 'entry', 'entries')],
            [
              'Commons',
              <>
                <code>{shorten(status.commons)}</code> <CopyButton look="quiet" text={status.commons} what="commons" />
              </>,
            ],
          ]}
        />
      </Card>
      <Card title="Storage">
        <StorageFacts storage={status.storage} />
      </Card>
      <Card title="This browser">
        <Facts
          rows={[
            ['Tabs', sayTabs(status)],
            [
              'Signatures',
              status.crypto === 'native'
                ? 'Made by the browser: keys cannot be read out'
                : 'Made by this page, as the browser has no Ed25519: slower, keys sealed in the engine',
            ],
          ]}
        />
      </Card>
    </>
  );
}

/** `skew` above 0: this clock is ahead. */
function ClockWarning({ skew }: { skew: number }) {
  if (Math.abs(skew) < SKEW_WORTH_SAYING) return null;
  return (
    <Notice tone="warn" title={`The clock of this device is ${formatSpan(skew)} ${skew > 0 ? 'ahead' : 'behind'}.`}>
      <p>The network refuses what is dated wrongly: set the clock in the system's settings, then reload.</p>
    </Notice>
  );
}

function StorageFacts({ storage }: { storage: NodeStatus['storage'] }) {
  const { blocks, bytes, quota, persisted } = storage;
  return (
    <>
      <meter class="meter" min={0} max={quota} value={bytes} aria-label="Storage used" />
      <Facts
        rows={[
          ['Used', `${formatBytes(bytes)} in ${countOf(blocks, 'block')}`],
          ['The browser allows', quota === 0 ? 'not said' : formatBytes(quota)],
          [
            'Kept when space runs out',
            persisted
              ? 'Yes'
              : 'Not promised: the browser may clear it. A recovery phrase brings back what is published.',
          ],
        ]}
      />
    </>
  );
}

function sayTabs({ leader, tabs }: NodeStatus): string {
  if (tabs <= 1) return 'This one runs the node';
  return `${countOf(tabs, 'tab')}; ${leader ? 'this one runs the node' : 'another one runs the node'}`;
}

function ThemeChoice() {
  const { theme } = useApp();
  return (
    <fieldset>
      <legend class="unseen">Colours</legend>
      <div class="choices">
        {THEMES.map((one) => (
          <label key={one}>
            <input type="radio" name="theme" checked={theme.value === one} onChange={() => (theme.value = one)} />
            <span>{THEME_NAMES[one]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
