// Buttons and links that look like them.

import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { Icon, type IconName } from './icon.tsx';

type Look = 'main' | 'plain' | 'quiet' | 'danger';

type ButtonProps = {
  readonly children: ComponentChildren;
  readonly look?: Look;
  readonly icon?: IconName;
  readonly submit?: boolean;
  /** Works on what was asked: stays focusable, takes no second click. */
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly describedBy?: string;
  readonly onClick?: () => void;
};

export function Button({ children, look = 'plain', icon, submit, busy, disabled, describedBy, onClick }: ButtonProps) {
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${look}`}
      disabled={disabled}
      aria-disabled={busy ? true : undefined}
      aria-describedby={describedBy}
      onClick={busy ? (event) => event.preventDefault() : onClick}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function LinkButton(props: {
  href: string;
  look?: Look;
  icon?: IconName;
  outside?: boolean;
  children: ComponentChildren;
}) {
  const { href, look = 'plain', icon, outside, children } = props;
  return (
    <a
      class={`button ${look}`}
      href={href}
      target={outside ? '_blank' : undefined}
      rel={outside ? 'noopener' : undefined}
    >
      {icon && <Icon name={icon} />}
      {children}
      {outside && <span class="unseen"> (opens in a new tab)</span>}
    </a>
  );
}

/** Copies, and says so; where the clipboard is refused it says how to do it by hand. */
export function CopyButton({ text, what, look = 'plain' }: { text: string; what: string; look?: Look }) {
  const { say } = useApp();
  const copied = useSignal(false);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => {
        copied.value = true;
        say(`Copied: ${what}`);
      },
      () => say('The browser refused to copy: select the text and copy it by hand.'),
    );
  };
  return (
    <Button look={look} icon={copied.value ? 'check' : 'copy'} onClick={copy}>
      Copy<span class="unseen"> {what}</span>
    </Button>
  );
}
