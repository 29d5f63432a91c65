// The first minute: drop a folder, pick a handle, get a live link.

import { useApp } from '../../app-state.ts';
import { FolderStep } from './folder-step.tsx';
import { HandleStep } from './handle-step.tsx';
import { LiveStep } from './live-step.tsx';
import { PublishingStep } from './publishing-step.tsx';

const STEPS = ['Folder', 'Handle', 'Live'] as const;
const POSITIONS = { folder: 0, handle: 1, publishing: 2, live: 3 } as const;

export function StartView() {
  const state = useApp().publish.state.value;
  return (
    <div class="start">
      {state.step !== 'folder' && <StepTrail at={POSITIONS[state.step]} />}
      {state.step === 'folder' && <FolderStep {...(state.target === undefined ? {} : { target: state.target })} />}
      {state.step === 'handle' && <HandleStep state={state} />}
      {state.step === 'publishing' && <PublishingStep state={state} />}
      {state.step === 'live' && <LiveStep state={state} />}
    </div>
  );
}

/** `at` counts the steps that are done. */
function StepTrail({ at }: { at: number }) {
  return (
    <ol class="trail" aria-label="Steps">
      {STEPS.map((name, position) => (
        <li
          key={name}
          class={position < at ? 'done' : ''}
          aria-current={position === Math.min(at, 2) ? 'step' : undefined}
        >
          {name}
          {position < at && <span class="unseen"> done</span>}
        </li>
      ))}
    </ol>
  );
}
