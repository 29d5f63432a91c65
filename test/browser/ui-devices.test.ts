// The devices in the app's page over a node in memory: revoking one asks first, and a revoked one says what it is.

import { expect, test } from 'vitest';

import { describeInChromium } from './harness.ts';
import { button, seen, visitUi } from './ui-visit.ts';

const LAPTOP = 'Revoke Firefox on a laptop';

describeInChromium('devices in the app', () => {
  const { open } = visitUi();

  test('are listed by name and since when, and one is revoked only after a question that says what it does', async () => {
    const page = await open({ wallet: 'kept' }, '#/wallet');
    await seen(page, 'Firefox on a laptop');
    await page.getByRole('listitem').filter({ hasText: 'Chromium on Linux' }).getByText('this one').waitFor();
    // Neither this device nor one that is revoked already.
    await button(page, LAPTOP).focus();
    expect(await page.getByRole('button', { name: /^Revoke/ }).count()).toBe(1);
    await page.keyboard.press('Enter');
    const question = page.getByRole('dialog', { name: 'Revoke Firefox on a laptop?' });
    await question.getByText(/nothing that it writes counts/).waitFor();
    await question.getByText(/cannot be undone/).waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await page.getByText('being revoked').count()).toBe(0);

    await button(page, LAPTOP).click();
    await question.getByRole('button', { name: 'Revoke' }).click();
    await question.waitFor({ state: 'detached' });
    await page.getByRole('listitem').filter({ hasText: 'Firefox' }).getByText('being revoked').waitFor();
    expect(await page.getByRole('button', { name: /^Revoke/ }).count()).toBe(0);
  });

  test('a refusal stays in the question', async () => {
    const message = 'None of your devices that could be revoked has this key: look at the list again.';
    const fail = { call: 'wallet.revokeDevice', code: 'device_unknown', message };
    const page = await open({ wallet: 'kept', fail }, '#/wallet');
    await button(page, LAPTOP).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('alert').getByText(message).waitFor();
  });

  test('one that was revoked says so in a sentence, and revokes nobody', async () => {
    const page = await open({ wallet: 'kept', revoked: true }, '#/wallet');
    await seen(page, 'This device was revoked.');
    await seen(page, /nothing that it writes counts/);
    expect(await page.getByRole('button', { name: /^Revoke/ }).count()).toBe(0);
  });

  test('a locked wallet revokes nobody', async () => {
    const page = await open({ wallet: 'locked' }, '#/wallet');
    await seen(page, 'Firefox on a laptop');
    expect(await page.getByRole('button', { name: /^Revoke/ }).count()).toBe(0);
  });
});
