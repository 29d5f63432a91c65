// A site as one file in the CAR format, for IPFS tools and for safekeeping.

import type { OwnSite } from '../../../api.ts';
import { Button } from '../../components/button.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';

/** Browsers read it within the click's own turn; it must not be gone before. */
const KEPT_FOR = 60_000;

export function ExportCar({ site }: { site: OwnSite }) {
  const { busy, failure, run } = useCall();
  const { handle, name } = site;
  const save = (): void =>
    run(
      (api) => api.sites.exportCar({ handle, name }),
      (car) => saveFile(car, `${name || handle}-${site.seq}.car`),
    );
  return (
    <>
      <Button busy={busy.value} onClick={save}>
        Save as CAR<span class="unseen"> (an archive for IPFS tools)</span>
      </Button>
      <FailureNotice failure={failure.value} />
    </>
  );
}

function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR);
}
