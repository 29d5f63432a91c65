// How the widgets look where the page says nothing: calm, light and dark with the page's colour scheme.

const MARKS = ['loading', 'verified', 'stale', 'wrong', 'unknown', 'offline'] as const;
const GLYPHS: Readonly<Record<(typeof MARKS)[number], string>> = {
  loading: '…',
  verified: '✓',
  stale: '◷',
  wrong: '✕',
  unknown: '?',
  offline: '⌁',
};

/** Custom properties, with these defaults: `--weft-ink`, `-soft`, `-surface`, `-line`, `-accent`, `-good`, `-warn`, `-bad`, `-radius`, `-font`. */
export const STYLE = `
:host{color-scheme:light dark;
--i:var(--weft-ink,light-dark(#1a1b21,#eceaf0));--s:var(--weft-soft,light-dark(#565863,#a9abb8));
--b:var(--weft-surface,light-dark(#fff,#1a1c23));--l:var(--weft-line,light-dark(#dedbd3,#2f323d));
--a:var(--weft-accent,light-dark(#3447cf,#a3b0ff));--good:var(--weft-good,light-dark(#15703f,#74d6a0));
--warn:var(--weft-warn,light-dark(#8a5300,#f0bd68));--bad:var(--weft-bad,light-dark(#b3261e,#ff9d92));
font:400 1rem/1.45 var(--weft-font,ui-sans-serif,system-ui,sans-serif);color:var(--i);text-align:start}
:host([hidden]){display:none}
:host(weft-site){display:block;max-width:30rem}
:host(weft-badge){display:inline-block}
*{box-sizing:border-box;margin:0}
[part~=card],[part~=badge]{background:var(--b);border:1px solid var(--l);border-radius:var(--weft-radius,.75rem);--m:var(--s)}
[part~=card]{padding:1rem 1.125rem;overflow-wrap:anywhere}
[part~=badge]{display:inline-flex;gap:.4em;align-items:baseline;padding:.1em .6em;font-size:.875em}
[part~=verified]{--m:var(--good)}[part~=stale],[part~=offline]{--m:var(--warn)}[part~=wrong]{--m:var(--bad);border-color:var(--bad)}
[part=title]{font-size:1.125rem;font-weight:600;line-height:1.3}
a{color:var(--a)}a:focus-visible{outline:2px solid var(--a);outline-offset:2px;border-radius:.25rem}
[part=address],dt,dd{color:var(--s);font-size:.875rem}
[part=line]{display:flex;gap:.5rem;margin-top:.625rem;font-size:.9375rem}
[part=mark]{color:var(--m);font-weight:700;flex:none}
[part=status]{color:var(--m)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem .75rem;margin-top:.625rem}
dl:empty,[hidden]{display:none}
dd{color:var(--i)}
${MARKS.map((mark) => `[part~=${mark}] [part=mark]::before{content:"${GLYPHS[mark]}"}`).join('')}
@media(forced-colors:active){[part~=card],[part~=badge]{border-color:CanvasText}}
`;
