// What somebody pastes into any page to show a verified card of a site there (docs/widget.md).

/**
 * `edge` serves the script; `commons` lets the pasted text, not the edge, say which network is meant, and `checkpoint` who
 * orders it (LC18).
 */
export function writeWidgetSnippet(site: {
  edge: string;
  handle: string;
  name: string;
  commons?: string;
  checkpoint?: string;
}): string {
  const { edge, handle, name, commons, checkpoint } = site;
  const label = name === '' ? handle : `${name}--${handle}`;
  const pin = commons === undefined ? '' : ` commons="${commons}"`;
  const seal = checkpoint === undefined ? '' : ` checkpoint="${checkpoint}"`;
  return [
    `<script type="module" src="${edge}/widget.js"></script>`,
    `<weft-site handle="@${label}"${pin}${seal}></weft-site>`,
  ].join('\n');
}
