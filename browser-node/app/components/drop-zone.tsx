// A place to drop a folder on, which is also a button that opens the folder picker.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { readDroppedFiles, readPickedFiles } from '../read-folder.ts';
import type { PickedFile } from '../site-folder.ts';
import { Icon } from './icon.tsx';

/** Not in the types of the DOM library we draw with. */
const WHOLE_FOLDERS = { webkitdirectory: true, multiple: true };

type DropZoneProps = {
  readonly reading: boolean;
  readonly onPick: (pick: () => Promise<readonly PickedFile[]>) => void;
};

export function DropZone({ reading, onPick }: DropZoneProps) {
  const over = useSignal(false);
  const input = useRef<HTMLInputElement>(null);

  function drop(event: DragEvent): void {
    event.preventDefault();
    over.value = false;
    if (event.dataTransfer === null || reading) return;
    // Read within the event: the list is empty afterwards.
    const picked = readDroppedFiles(event.dataTransfer.items);
    onPick(() => picked);
  }

  function pick(): void {
    const list = input.current?.files;
    if (!list || list.length === 0) return;
    const picked = readPickedFiles(list);
    onPick(() => Promise.resolve(picked));
    // The same folder may be picked again after a change in it.
    input.current!.value = '';
  }

  return (
    <div
      class={`drop ${over.value ? 'over' : ''}`}
      onDragEnter={() => (over.value = true)}
      onDragOver={(event) => event.preventDefault()}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) over.value = false;
      }}
      onDrop={drop}
    >
      <input
        ref={input}
        class="unseen"
        type="file"
        {...WHOLE_FOLDERS}
        tabIndex={-1}
        aria-hidden="true"
        onChange={pick}
      />
      <button
        type="button"
        class="drop-button"
        aria-disabled={reading || undefined}
        onClick={() => !reading && input.current?.click()}
      >
        <span class="drop-icon">{reading ? <span class="spinner" aria-hidden="true" /> : <Icon name="folder" />}</span>
        <span class="drop-title">
          {reading ? 'Reading the folder…' : over.value ? 'Let go to use it' : 'Drop a folder here'}
        </span>
        <span class="drop-note">or choose one; all it needs is an index.html</span>
      </button>
    </div>
  );
}
