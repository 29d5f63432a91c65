// The wallet: who one is here, what is still missing to keep it, the handles and devices, and the way back from a phrase.

import type { WalletStatus } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button, CopyButton } from '../../components/button.tsx';
import { KeepWallet } from '../../components/keep-wallet.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card, Page } from '../../components/page.tsx';
import { UnlockForm } from '../../components/unlock-form.tsx';
import { createLate } from '../../components/late.tsx';
import { useCall } from '../../components/use-call.ts';
import { routeTo } from '../../routes.ts';
import { HandleList } from './handle-list.tsx';
import { RestoreForm } from './restore-form.tsx';

const DeviceList = createLate(() => import('./device-list.tsx').then((file) => file.DeviceList));

export function WalletView() {
  const { known } = useApp();
  const wallet = known.wallet.value;
  return (
    <Page title="Wallet" lead="The key that signs what you publish. It stays in this browser.">
      {wallet === undefined ? <p role="status">Opening the wallet…</p> : <WalletContent wallet={wallet} />}
    </Page>
  );
}

function WalletContent({ wallet }: { wallet: WalletStatus }) {
  if (wallet.state === 'none') {
    return (
      <>
        <Card title="No wallet here yet">
          <p>
            Your first publish makes one, without a question. <a href={routeTo('start')}>Publish a folder</a>
          </p>
        </Card>
        <Card title="Come back with a phrase">
          <p>Twelve words bring your handle, your sites and your groups to this browser, as a new device.</p>
          <RestoreForm />
        </Card>
      </>
    );
  }
  return (
    <>
      <Card tone="raised">
        <div class="identity">
          <div>
            <h2>{wallet.state === 'locked' ? 'Locked' : 'Your identity'}</h2>
            <p class="address">{wallet.address}</p>
          </div>
          <div class="actions">
            <CopyButton text={wallet.address} what="address" />
            {wallet.state === 'unlocked' && !wallet.unprotected && <LockButton />}
          </div>
        </div>
        {wallet.state === 'locked' && <UnlockForm />}
      </Card>
      <KeepWallet />
      <HandleList />
      <DeviceList />
      <details class="card">
        <summary>Another wallet?</summary>
        <p>
          A browser profile holds one wallet. To bring back another one, open this page in a new profile of your browser
          and restore it there from its phrase.
        </p>
      </details>
    </>
  );
}

function LockButton() {
  const { say } = useApp();
  const { busy, failure, run } = useCall();
  return (
    <>
      <Button
        icon="lock"
        busy={busy.value}
        onClick={() =>
          run(
            (api) => api.wallet.lock(),
            () => say('Wallet locked'),
          )
        }
      >
        Lock
      </Button>
      <FailureNotice failure={failure.value} />
    </>
  );
}
