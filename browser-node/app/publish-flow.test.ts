import { describe, expect, test } from 'vitest';

import { createFakeNode, type FakeOptions } from '../../test/browser/fake-node.ts';
import { createKnown, followEvents } from './known.ts';
import { addProgress, createPublishFlow } from './publish-flow.ts';
import { readSiteFolder } from './site-folder.ts';

const TARGET = { handle: 'rose-garden', name: '' };

function startFlow(options: FakeOptions) {
  const node = createFakeNode(options);
  const known = createKnown();
  followEvents(node, known);
  const flow = createPublishFlow({ node: Promise.resolve(node), known });
  const folder = readSiteFolder([{ path: 'g/index.html', body: new Blob(['<p>']) }]);
  if (!folder.ok) throw new Error(folder.error.because);
  flow.chooseFolder(folder.value);
  return { node, known, flow };
}

/** Until the state is what is waited for, in turns of the fake's own tasks. */
async function until(met: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !met(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(met()).toBe(true);
}

describe('the first minute', () => {
  test('makes a wallet only where there is none', async () => {
    for (const wallet of ['none', 'new'] as const) {
      const { flow } = startFlow({ wallet });
      await flow.publish(TARGET);
      expect(flow.state.value).toMatchObject({ step: 'live', site: { seq: 1 }, newWallet: wallet === 'none' });
    }
  });

  test('says what in the folder does not work, until the publisher goes on', async () => {
    const warnings = [{ code: 'redirect_unreachable', message: 'Line 2 of _redirects is never reached.' }];
    const { flow, node } = startFlow({ warnings, holdBefore: 'ordered' });
    const published = flow.publish(TARGET);
    await until(() => flow.state.value.step === 'publishing' && flow.state.value.steps.stored !== undefined);
    expect(flow.state.value).toMatchObject({ steps: { warnings } });
    node.release();
    await published;
    expect(flow.state.value).toMatchObject({ step: 'live', warnings });
  });

  test('keeps the folder and the handle when the handle was taken meanwhile', async () => {
    const failure = { code: 'handle_taken', message: 'Somebody else has this handle: choose another.' };
    const { flow } = startFlow({ fail: { call: 'sites.publish', ...failure } });
    await flow.publish(TARGET);
    expect(flow.state.value).toMatchObject({ step: 'handle', target: TARGET, failure, folder: { title: 'g' } });
  });

  test('cancelled before anything is stored, it cancels the job as soon as there is one', async () => {
    const { flow, known, node } = startFlow({ holdBefore: 'stored' });
    const published = flow.publish(TARGET);
    await until(() => flow.state.value.step === 'publishing' && flow.state.value.steps.reading?.files === 1);
    flow.cancel();
    expect(flow.state.value).toMatchObject({ step: 'publishing', cancelling: true });
    node.release();
    await published;
    expect(flow.state.value).toEqual(expect.objectContaining({ step: 'handle', target: TARGET }));
    expect(flow.state.value).not.toHaveProperty('failure');
    expect(known.jobs.value).toMatchObject([{ state: 'failed', failure: { code: 'cancelled' } }]);
  });

  test('too late to cancel, it says why and goes on', async () => {
    const { flow, node } = startFlow({ holdBefore: 'held' });
    const published = flow.publish(TARGET);
    await until(() => flow.state.value.step === 'publishing' && flow.state.value.steps.ordered !== undefined);
    flow.cancel();
    await until(() => flow.state.value.step === 'publishing' && !flow.state.value.cancelling);
    expect(flow.state.value).toMatchObject({ refusal: { code: 'wrong_state' } });
    node.release();
    await published;
    expect(flow.state.value).toMatchObject({ step: 'live' });
  });

  test('with nobody reachable it waits for the job, and is live when that is done', async () => {
    const message = 'Nobody could be reached: it goes on by itself.';
    const { flow, node } = startFlow({ fail: { call: 'sites.publish', code: 'waiting_for_network', message } });
    const published = flow.publish(TARGET);
    await until(() => flow.state.value.step === 'publishing' && flow.state.value.steps.waiting !== undefined);
    expect(flow.state.value).toMatchObject({ steps: { waiting: { message }, stored: { files: 1 } } });
    node.completeJobs();
    await published;
    expect(flow.state.value).toMatchObject({ step: 'live', site: { url: 'http://rose-garden.localhost:8787/' } });
  });
});

test('news end a wait, and keep what was reached', () => {
  const stored = addProgress({}, { step: 'stored', manifest: 'm', files: 2, bytes: 9 });
  const waiting = addProgress(stored, { step: 'waiting', code: 'waiting_for_network', message: 'Later.' });
  expect(waiting).toEqual({
    stored: { files: 2, bytes: 9 },
    waiting: { code: 'waiting_for_network', message: 'Later.' },
  });
  expect(addProgress(waiting, { step: 'ordered', height: 7 })).toEqual({
    stored: { files: 2, bytes: 9 },
    ordered: { height: 7 },
  });
});
