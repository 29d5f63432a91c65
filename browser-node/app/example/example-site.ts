// The example site of the first minute: loaded only when somebody asks for it.

import type { PickedFile } from '../site-folder.ts';
import about from './about.html' with { type: 'text' };
import index from './index.html' with { type: 'text' };
import mark from './mark.svg' with { type: 'text' };
import missing from './missing.html' with { type: 'text' };
import style from './style.css' with { type: 'text' };
import weave from './weave.js' with { type: 'text' };

export const EXAMPLE_FILES: readonly PickedFile[] = Object.entries({
  'index.html': index,
  'about.html': about,
  '404.html': missing,
  'style.css': style,
  'weave.js': weave,
  'mark.svg': mark,
}).map(([path, text]) => ({ path: `loom/${path}`, body: new Blob([text]) }));
