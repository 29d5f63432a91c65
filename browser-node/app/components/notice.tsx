// Something the reader should know: an error is announced at once, the rest politely.

import type { ApiFailure } from '../../api.ts';
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

type Tone = 'info' | 'good' | 'warn' | 'bad';

const ICONS: Readonly<Record<Tone, IconName>> = { info: 'info', good: 'check', warn: 'warn', bad: 'warn' };

export function Notice({
  tone = 'info',
  title,
  children,
}: {
  tone?: Tone;
  title?: string;
  children?: ComponentChildren;
}) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon name={ICONS[tone]} />
      <div class="notice-text">
        {title !== undefined && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

/** A failed call: its sentence says what to do, its code is for whoever reports it. */
export function FailureNotice({
  failure,
  children,
}: {
  failure: ApiFailure | undefined;
  children?: ComponentChildren;
}) {
  if (failure === undefined) return null;
  return (
    <Notice tone="bad">
      <p>
        {failure.message} <code class="code">{failure.code}</code>
      </p>
      {children}
    </Notice>
  );
}
