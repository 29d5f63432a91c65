// A few strokes of DOM for the widgets: elements with parts, text that is only touched when it changes, one shared style sheet.

import { STYLE } from './style.ts';

let sheet: CSSStyleSheet | undefined;

/** The element's shadow root, emptied; a page's policy on inline styles does not concern it. */
export function openShadow(host: HTMLElement): ShadowRoot {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  root.adoptedStyleSheets = [sheet];
  root.replaceChildren();
  return root;
}

/** `part` is how pages style it from outside. */
export function createPart(tag: string, part: string, ...children: (Node | string)[]): HTMLElement {
  const element = document.createElement(tag);
  setPart(element, part);
  element.append(...children);
  return element;
}

export function setPart(element: HTMLElement, part: string): void {
  if (element.getAttribute('part') !== part) element.setAttribute('part', part);
}

/** Screen readers hear a live region again when it is written, even with the same words. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
