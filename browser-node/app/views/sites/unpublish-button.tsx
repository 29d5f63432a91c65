// Taking a site off its handle, after a question.

import type { OwnSite } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { useQuestion } from '../../components/use-question.ts';
import { displaySite } from '../../format.ts';

export function UnpublishButton({ site }: { site: OwnSite }) {
  const { say } = useApp();
  const question = useQuestion();
  const unpublish = (): void =>
    question.answer(
      (api) => api.sites.unpublish({ handle: site.handle, name: site.name }),
      () => say(`${displaySite(site)} is unpublished`),
    );
  return (
    <>
      <Button look="quiet" icon="trash" onClick={question.ask}>
        Unpublish
      </Button>
      <ConfirmDialog
        title={`Unpublish ${displaySite(site)}?`}
        confirm="Unpublish"
        question={question}
        onConfirm={unpublish}
      >
        <p>
          The link stops working for new visitors once the network has ordered it. Copies that others already have
          cannot be called back. The handle stays yours.
        </p>
      </ConfirmDialog>
    </>
  );
}
