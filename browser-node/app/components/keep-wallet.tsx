// "Keep it": what is missing for the wallet to outlive this browser, said plainly, with the two ways to change it.

import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { createLate } from './late.tsx';

/** Whoever has just published opens them later, or never. */
const PassphraseForm = createLate(() => import('./passphrase-form.tsx').then((file) => file.PassphraseForm));
const PhrasePanel = createLate(() => import('./phrase-panel.tsx').then((file) => file.PhrasePanel));

export function KeepWallet() {
  const { known } = useApp();
  const open = useSignal<'phrase' | 'passphrase' | undefined>(undefined);
  const wallet = known.wallet.value;
  if (wallet === undefined || wallet.state !== 'unlocked') return null;
  const kept = wallet.phraseSaved && !wallet.unprotected;
  const close = (): void => {
    open.value = undefined;
  };
  return (
    <section class="card keep" aria-labelledby="keep-title">
      <h2 id="keep-title">{kept ? 'It is yours to keep' : 'Keep it'}</h2>
      <p>{sayWhatIsMissing(wallet)}</p>
      {open.value === 'phrase' && <PhrasePanel onDone={close} />}
      {open.value === 'passphrase' && <PassphraseForm onDone={close} />}
      {open.value === undefined && (
        <ul class="keep-ways">
          <Way done={wallet.phraseSaved} title="Recovery phrase" text="Twelve words bring it back on any device.">
            <Button look={wallet.phraseSaved ? 'quiet' : 'main'} onClick={() => (open.value = 'phrase')}>
              {wallet.phraseSaved ? 'Show it again' : 'Show the twelve words'}
            </Button>
          </Way>
          <Way done={!wallet.unprotected} title="Passphrase" text="Seals the key on this device, and lets you lock it.">
            <Button look={wallet.unprotected ? 'plain' : 'quiet'} onClick={() => (open.value = 'passphrase')}>
              {wallet.unprotected ? 'Set a passphrase' : 'Change it'}
            </Button>
          </Way>
        </ul>
      )}
    </section>
  );
}

type WayProps = { done: boolean; title: string; text: string; children: ComponentChildren };

function Way({ done, title, text, children }: WayProps) {
  return (
    <li>
      <span class={`way-sign ${done ? 'done' : ''}`}>
        {done && <Icon name="check" />}
        <span class="unseen">{done ? 'Done:' : 'Not yet:'}</span>
      </span>
      <div>
        <h3>{title}</h3>
        <p>{text}</p>
      </div>
      {children}
    </li>
  );
}

function sayWhatIsMissing({ unprotected, phraseSaved }: { unprotected: boolean; phraseSaved: boolean }): string {
  if (phraseSaved) {
    return unprotected
      ? 'Your phrase can bring it back. Without a passphrase, whoever uses this browser can publish as you.'
      : 'Your phrase can bring it back, and a passphrase seals it on this device.';
  }
  const seal = unprotected ? '' : ' A passphrase seals it here, but brings nothing back.';
  return `A key was made for you, and it lives in this browser only. If its storage is cleared, your handle and your sites cannot be changed by anyone, you included.${seal}`;
}
