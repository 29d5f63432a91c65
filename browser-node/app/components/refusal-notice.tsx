// Why the group would not do what somebody is about to ask of it.

import { Notice } from './notice.tsx';

/** Shown before anything is signed: the sentence says why, the code is for whoever reports it. */
export function RefusalNotice({ title, refusal }: { title: string; refusal: { code: string; because: string } }) {
  return (
    <Notice tone="warn" title={title}>
      <p>
        {refusal.because} <code class="code">{refusal.code}</code>
      </p>
    </Notice>
  );
}
