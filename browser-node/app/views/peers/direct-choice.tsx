// Whether members are reached directly: a choice for this browser, since it shows them its address.

import type { DirectMode } from '../../../../shared/session/direct-switch.ts';
import { useSignal } from '@preact/signals';
import { Choice } from '../../components/choice.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';
import { useLive } from '../../components/use-live.ts';

const HINTS: Readonly<Record<DirectMode, string>> = {
  members: 'Members of your groups see your network address, and pages and files reach them faster.',
  off: 'Everything goes over relays, which see your address and cannot read what members say to each other.',
};

export function DirectChoice() {
  const stored = useLive(
    (api) => api.peers.directLinks(),
    () => null,
  );
  const wanted = useSignal<DirectMode | undefined>(undefined);
  const { failure, run } = useCall();
  const mode = wanted.value ?? stored.value.value;
  const choose = (chosen: DirectMode): void => {
    wanted.value = chosen;
    run(async (api) => {
      // What failed is not shown as chosen.
      await api.peers.setDirectLinks(chosen).catch((error: unknown) => {
        wanted.value = undefined;
        throw error;
      });
    });
  };
  if (mode === undefined) return <FailureNotice failure={stored.failure.value} />;
  return (
    <>
      <Choice
        label="Direct connections"
        options={[
          ['members', 'With members of my groups'],
          ['off', 'With nobody'],
        ]}
        chosen={mode}
        onChoose={choose}
        hint={HINTS[mode]}
      />
      <FailureNotice failure={failure.value} />
    </>
  );
}
