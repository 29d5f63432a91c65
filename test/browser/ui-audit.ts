// What a person with a screen reader, weak eyes or a thumb would stumble over, found in the page itself (WCAG 2.2 AA).

import type { Page } from 'playwright-core';

/** Sentences about the page as it is; none is what one wants. */
export async function auditPage(page: Page): Promise<string[]> {
  // Colours that are on their way from one to another are nobody's colours.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
        // One that was cancelled is over too.
        .map((one) => one.finished.catch(() => undefined)),
    ),
  );
  const snapshot = await page.locator('body').ariaSnapshot();
  const nameless = snapshot
    .split('\n')
    .filter((line) => /^\s*- (button|link|textbox|radio|progressbar|img)( \[[^\]]*\])*:?$/.test(line));
  return [...nameless.map((line) => `without a name: ${line.trim()}`), ...(await page.evaluate(auditInPage))];
}

/** Runs in the page, so everything it uses is inside. */
function auditInPage(): string[] {
  const CONTRAST_MIN = 4.5;
  const CONTRAST_MIN_LARGE = 3;
  const TARGET_MIN = 24;
  const found: string[] = [];
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;

  const readColour = (css: string): [number, number, number, number] => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0, a = 0] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const luminance = ([r, g, b]: readonly number[]): number => {
    const [x, y, z] = [r!, g!, b!].map((one) => {
      const part = one / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x! + 0.7152 * y! + 0.0722 * z!;
  };
  const groundOf = (start: Element): number[] => {
    for (let element: Element | null = start; element; element = element.parentElement) {
      const colour = readColour(getComputedStyle(element).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const isShown = (element: Element): boolean =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    element.closest('.unseen, .skip') === null;

  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '',
    );
    if (!text || !isShown(element) || element.closest(':disabled')) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [luminance(readColour(style.color)), luminance(groundOf(element))].toSorted((a, b) => b - a);
    const ratio = (light! + 0.05) / (dark! + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? CONTRAST_MIN_LARGE : CONTRAST_MIN)) {
      found.push(`contrast ${ratio.toFixed(2)}: "${element.textContent.trim().slice(0, 40)}"`);
    }
  }
  for (const element of document.querySelectorAll('button, a, input, summary')) {
    const box = element.getBoundingClientRect();
    const inText = getComputedStyle(element).display === 'inline';
    if (isShown(element) && !inText && Math.min(box.width, box.height) < TARGET_MIN) {
      found.push(`hard to hit, ${box.width.toFixed()} × ${box.height.toFixed()}: "${element.textContent.trim()}"`);
    }
  }
  const overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (overflow > 0) found.push(`scrolls sideways by ${overflow} px`);
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  if (new Set(ids).size !== ids.length) found.push(`the same id twice: ${ids.join(' ')}`);
  for (const [selector, count] of [
    ['h1', 1],
    ['main', 1],
    ['nav[aria-label]', 1],
    ['html[lang]', 1],
  ] as const) {
    if (document.querySelectorAll(selector).length !== count) found.push(`${selector}: not ${count}`);
  }
  for (const element of document.querySelectorAll('[aria-describedby], [aria-labelledby]')) {
    const named = `${element.getAttribute('aria-describedby') ?? ''} ${element.getAttribute('aria-labelledby') ?? ''}`;
    for (const id of named.trim().split(/\s+/))
      if (!document.getElementById(id)) found.push(`names #${id}, which is not there`);
  }
  return found;
}
