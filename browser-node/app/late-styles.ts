// Styles of the views that come late, for the whole page from the first of them on.

import late from './styles/late.css' with { type: 'text' };

let adopted = false;

/** A constructed sheet needs no address that the page would have to know, and comes after those that it links. */
export function adoptLateStyles(): void {
  if (adopted) return;
  adopted = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(late);
  document.adoptedStyleSheets.push(sheet);
}
