// Taking a site off its handle, after a question.

import type { OwnSite } from '../../../api.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';
import { displaySite } from '../../format.ts';

export function UnpublishButton({ site }: { site: OwnSite }) {
  const { say } = useApp();
  const asking = useSignal(false);
  const { busy, failure, run, clear } = useCall();
  const close = (): void => {
    asking.value = false;
    clear();
  };
  const unpublish = (): void =>
    run(
      (api) => api.sites.unpublish({ handle: site.handle, name: site.name }),
      () => {
        say(`${displaySite(site)} is unpublished`);
        close();
      },
    );
  return (
    <>
      <Button look="quiet" icon="trash" onClick={() => (asking.value = true)}>
        Unpublish
      </Button>
      {asking.value && (
        <ConfirmDialog
          title={`Unpublish ${displaySite(site)}?`}
          confirm="Unpublish"
          busy={busy.value}
          onConfirm={unpublish}
          onClose={close}
        >
          <p>
            The link stops working for new visitors once the network has ordered it. Copies that others already have
            cannot be called back. The handle stays yours.
          </p>
          <FailureNotice failure={failure.value} />
        </ConfirmDialog>
      )}
    </>
  );
}
