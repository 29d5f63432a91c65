// Keeps the navigation usable when a view breaks: that is a bug, and the page says so.

import type { ComponentChildren } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { readFailure } from '../failure-text.ts';
import { Button } from './button.tsx';
import { FailureNotice } from './notice.tsx';

export function FailureBoundary({ children }: { children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((thrown: unknown) => console.error(thrown));
  if (error === undefined) return <>{children}</>;
  return (
    <FailureNotice failure={readFailure(error)}>
      <Button onClick={reset}>Show it again</Button>
    </FailureNotice>
  );
}
