// What somebody pastes into any page to show a verified card of a site there (docs/widget.md).

/** `edge` serves the script; `commons` lets the pasted text, not the edge, say which network is meant. */
export function writeWidgetSnippet(site: { edge: string; handle: string; name: string; commons?: string }): string {
  const { edge, handle, name, commons } = site;
  const label = name === '' ? handle : `${name}--${handle}`;
  const pin = commons === undefined ? '' : ` commons="${commons}"`;
  return [
    `<script type="module" src="${edge}/widget.js"></script>`,
    `<weft-site handle="@${label}"${pin}></weft-site>`,
  ].join('\n');
}
