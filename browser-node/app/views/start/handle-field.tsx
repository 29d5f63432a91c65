// Typing a handle: tidied while typed, explained at once, checked with the network, with others to pick from when it is taken.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { WeftApi } from '../../../api.ts';
import { HANDLES_PER_IDENTITY_MAX } from '../../../../shared/core/limits.ts';
import { useApp } from '../../app-state.ts';
import { Field } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { readFailure } from '../../failure-text.ts';
import { explainHandle, proposeHandle, suggestHandles, tidyHandle } from '../../handle-choice.ts';

/** A pause between two words of a thought: the network is asked when the typing rests. */
const TYPING_PAUSE = 250;
const SUGGESTIONS_SHOWN = 3;

type Answer =
  | { readonly state: 'empty' }
  | { readonly state: 'unfinished' | 'refused' | 'unknown'; readonly because: string }
  | { readonly state: 'checking' | 'free' | 'mine' };

type HandleFieldProps = {
  readonly handle: Signal<string>;
  readonly name: Signal<string>;
  /** Set here: whether one may publish under it. */
  readonly free: Signal<boolean>;
  /** Of the folder, for a proposal. */
  readonly title: string;
  /** A handle that the network has just refused. */
  readonly refused?: string;
};

export function HandleField({ handle, name, free, title, refused }: HandleFieldProps) {
  const { input, answer, suggestions, mine, change } = useHandleCheck({
    handle,
    free,
    ...(refused ? { refused } : {}),
  });
  const { known } = useApp();
  const replaced = known.sites.value?.find((site) => site.handle === handle.value && site.name === name.value);
  const proposal = proposeHandle(title);
  const offered = handle.value === '' ? [...mine.value, ...(proposal ? [proposal] : [])] : suggestions.value;
  const shown = answer.value;
  return (
    <div class="handle-field">
      <Field
        label="Handle"
        lead="@"
        value={handle.value}
        inputRef={input}
        onInput={change}
        problem={shown.state === 'refused' ? shown.because : undefined}
        hint={
          <>
            <AnswerLine answer={shown} address={name.value === '' ? handle.value : `${name.value}--${handle.value}`} />
            {shown.state === 'mine' && replaced !== undefined && `. Publishing replaces version ${replaced.seq} there.`}
          </>
        }
      />
      {offered.length > 0 && (
        <div class="chips" role="group" aria-label={handle.value === '' ? 'Proposals' : 'Free handles close to it'}>
          {[...new Set(offered)].map((one) => (
            <button key={one} type="button" class="chip" onClick={() => change(one)}>
              @{one}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function AnswerLine({ answer, address }: { answer: Answer; address: string }) {
  switch (answer.state) {
    case 'empty':
      return <>3 to 30 letters, digits or hyphens. It becomes the address.</>;
    case 'checking':
      return <>Asking the network…</>;
    case 'free':
    case 'mine':
      return (
        <span class="good">
          <Icon name="check" /> {answer.state === 'mine' ? 'Yours' : 'Free'}: <strong>{siteHost(address)}</strong>
        </span>
      );
    default:
      return <>{answer.because}</>;
  }
}

/** Beside the app's own host, as the local edge has it; elsewhere the link after publishing tells. */
function siteHost(label: string): string {
  return location.hostname === 'localhost' ? `${label}.${location.host}` : `${label}.site`;
}

function useHandleCheck({ handle, free, refused }: Pick<HandleFieldProps, 'handle' | 'free' | 'refused'>) {
  const { node } = useApp();
  const input = useRef<HTMLInputElement>(null);
  const answer = useSignal<Answer>({ state: 'empty' });
  const suggestions = useSignal<readonly string[]>([]);
  const mine = useSignal<readonly string[]>([]);
  const typing = useRef<{ timer?: ReturnType<typeof setTimeout>; asked: boolean }>({ asked: false });

  function settle(next: Answer): void {
    answer.value = next;
    free.value = next.state === 'free' || next.state === 'mine';
  }

  function change(typed: string): void {
    handle.value = tidyHandle(typed);
    // Tidied to what it was, nothing is drawn again, and the field would keep what was typed.
    if (input.current) input.current.value = handle.value;
    suggestions.value = [];
    const wanted = handle.value;
    clearTimeout(typing.current.timer);
    if (wanted === '') return settle({ state: 'empty' });
    // The first key starts the registration puzzle in the engine, long before the answer matters.
    if (!typing.current.asked) node.then((api) => api.handles.check(wanted)).catch(() => undefined);
    typing.current.asked = true;
    const because = explainHandle(wanted);
    if (because !== undefined)
      return settle({ state: because.startsWith('At least') ? 'unfinished' : 'refused', because });
    if (mine.value.includes(wanted)) return settle({ state: 'mine' });
    if (mine.value.length >= HANDLES_PER_IDENTITY_MAX)
      return settle({ state: 'refused', because: sayFull(mine.value) });
    settle({ state: 'checking' });
    typing.current.timer = setTimeout(() => void check(wanted), TYPING_PAUSE);
  }

  async function check(wanted: string): Promise<void> {
    try {
      const api = await node;
      const found = await api.handles.check(wanted);
      if (handle.value !== wanted) return;
      if (found.available) return settle({ state: 'free' });
      settle({ state: 'refused', because: found.because });
      const others = await findFree(api, wanted);
      if (handle.value === wanted) suggestions.value = others;
    } catch (error) {
      if (handle.value !== wanted) return;
      settle({ state: 'unknown', because: `${readFailure(error).message} You can publish; it is checked then.` });
      // Nobody could be asked: the publish waits for the network and is refused there if somebody was first.
      free.value = true;
    }
  }

  useEffect(() => {
    input.current?.focus();
    node
      .then((api) => api.handles.mine())
      .then((owned) => {
        // One whose lease has ended counts for nobody, and may be registered again.
        mine.value = owned.filter(({ leaseUntil }) => leaseUntil > Date.now()).map((one) => one.handle);
        if (handle.value !== '' && refused === undefined) change(handle.value);
      })
      .catch(() => undefined);
    if (refused !== undefined) {
      node
        .then((api) => findFree(api, refused))
        .then(
          (others) => (suggestions.value = others),
          () => undefined,
        );
    } else if (handle.value !== '') change(handle.value);
    return () => clearTimeout(typing.current.timer);
  }, []);

  return { input, answer, suggestions, mine, change };
}

function sayFull(handles: readonly string[]): string {
  const all = handles.map((handle) => `@${handle}`).join(', ');
  return `You have ${all}, as many as one wallet may: take one of them, and name a second site under it below.`;
}

/** Asks one by one and stops early: each question costs the network something. */
async function findFree(api: WeftApi, wanted: string): Promise<string[]> {
  const free: string[] = [];
  for (const handle of suggestHandles(wanted)) {
    if (free.length === SUGGESTIONS_SHOWN) break;
    if ((await api.handles.check(handle)).available) free.push(handle);
  }
  return free;
}
