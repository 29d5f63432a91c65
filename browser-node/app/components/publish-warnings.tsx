// What a publish found in a folder that does not work as its publisher may think: it stops nothing.

import type { ApiFailure } from '../../api.ts';
import { Notice } from './notice.tsx';

export function PublishWarnings({ warnings }: { warnings: readonly ApiFailure[] | undefined }) {
  if (warnings === undefined || warnings.length === 0) return null;
  return (
    <Notice tone="warn" title="Part of the folder does not do what it says.">
      <ul>
        {warnings.map(({ message }, at) => (
          <li key={at}>{message}</li>
        ))}
      </ul>
    </Notice>
  );
}
