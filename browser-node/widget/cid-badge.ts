// <weft-badge cid="bafy…">: whether the content of a CID can be had right now, and is what its name says, byte for byte.

import { cidCodec, type Cid } from '../../shared/codec/cid.ts';
import { decodeFileNode } from '../../shared/content/file-node.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { formatBytes, type CardState } from './card-view.ts';
import type { CommonsClient } from './commons-client.ts';
import { createPart, openShadow, setPart, setText } from './draw.ts';
import { readCid } from './edge-reader.ts';
import { openBacking, type PageContext } from './page-context.ts';
import { wakeEveryMinute } from './wake.ts';

export const BADGE_ATTRIBUTES = ['cid', 'edge'] as const;

/** A badge is no download: of larger files the parts up to here are fetched and checked. */
const CHECKED_BYTES_MAX = 2 * 1024 * 1024;
/** Nodes of a file tree hold no bytes of the file: a tree of nothing else ends here. */
const CHECKED_BLOCKS_MAX = 64;

/** Bytes that were fetched and checked, of all that there are. */
type Checked = { readonly bytes: number; readonly of: number };
type Said = { readonly state: CardState; readonly code: string; readonly text: string };

export function connectBadge(page: PageContext, host: HTMLElement): () => void {
  const mark = createPart('span', 'mark');
  mark.setAttribute('aria-hidden', 'true');
  const status = createPart('span', 'status');
  status.setAttribute('role', 'status');
  const badge = createPart('span', 'badge', mark, status);
  openShadow(host).append(badge);
  let alive = true;
  let stop = (): void => undefined;

  const say = ({ state, code, text }: Said): void => {
    if (!alive) return;
    setPart(badge, `badge ${state}`);
    setText(status, text);
    host.dispatchEvent(new CustomEvent('weft-state', { bubbles: true, detail: { state, code, sentence: text } }));
  };
  const end = (): void => {
    alive = false;
    stop();
  };

  say({ state: 'loading', code: 'loading', text: 'Checking …' });
  const cid = readCid(host.getAttribute('cid') ?? '');
  const backing = openBacking(page, host);
  if (!cid.ok || !backing.ok) {
    const { code, because } = cid.ok ? (backing as { error: Failure }).error : cid.error;
    say({ state: 'unknown', code, text: because });
    return end;
  }
  const refresh = async (): Promise<void> => {
    const checked = await checkContent(backing.value.client, cid.value);
    say(describe(checked));
    // What was checked once cannot change: an idle page has nothing left to do.
    if (checked.ok) stop();
  };
  stop = wakeEveryMinute(() => void refresh());
  void refresh();
  return end;
}

function describe(checked: Result<Checked, Failure>): Said {
  if (checked.ok) {
    const { bytes, of } = checked.value;
    const size = bytes < of ? `the first ${formatBytes(bytes)} of ${formatBytes(of)}` : formatBytes(of);
    return { state: 'verified', code: 'ok', text: `Available, verified: ${size}` };
  }
  const { code, because } = checked.error;
  if (code === 'offline') return { state: 'offline', code, text: because };
  if (code === 'unanswered') return { state: 'unknown', code, text: 'Not available: nobody online holds it' };
  return { state: 'wrong', code, text: `Failed its check (${code}). ${because}` };
}

async function checkContent(client: CommonsClient, root: Cid): Promise<Result<Checked, Failure>> {
  const waiting = [root];
  let [bytes, of] = [0, 0];
  for (let asked = 0; waiting.length > 0 && bytes < CHECKED_BYTES_MAX; asked++) {
    if (asked === CHECKED_BLOCKS_MAX) return fail('tree_invalid', 'It is a tree of nothing but branches.');
    const cid = waiting.shift()!;
    const block = await client.block(cid);
    if (!block.ok) return block;
    if (cidCodec(cid) !== 'dag-pb') {
      bytes += block.value.length;
      of ||= block.value.length;
      continue;
    }
    const node = decodeFileNode(block.value);
    if (!node.ok) return fail('bad_block', node.error.because);
    of ||= node.value.size;
    // Depth first, so that what was checked is the beginning of the file.
    waiting.unshift(...node.value.links.map((link) => link.cid));
  }
  return ok({ bytes, of });
}
