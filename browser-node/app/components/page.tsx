// The frame of a view: its heading takes the focus when one comes from another view.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** The page that is loaded first starts at its top, as any page does; only later headings take the focus. */
let moved = false;

export function Page({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
}) {
  const heading = useFocusOnMove();
  useEffect(() => scrollTo({ top: 0 }), []);
  useEffect(() => {
    document.title = `${title} · weft`;
  }, [title]);
  return (
    <>
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
      </header>
      {children}
    </>
  );
}

/** Gives the element the focus when it appears, but for the first of the page, and unless a field of the view took it. */
export function useFocusOnMove() {
  const target = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const typing = document.activeElement?.matches('main :is(input, textarea)') ?? false;
    if (moved && !typing) target.current?.focus();
    moved = true;
  }, []);
  return target;
}

export function Card({
  title,
  children,
  tone = '',
}: {
  title?: string;
  children: ComponentChildren;
  tone?: '' | 'raised';
}) {
  return (
    <section class={`card ${tone}`}>
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </section>
  );
}

/** What an empty list says, and where to go from there. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="empty">
      <svg class="empty-art" viewBox="0 0 120 36" aria-hidden="true">
        {Array.from({ length: 10 }, (_, at) => (
          <line key={at} class="warp" x1={6 + at * 12} x2={6 + at * 12} y1="0" y2="36" />
        ))}
        <line class="weft" x1="0" x2="68" y1="18" y2="18" stroke-dasharray="15 9" stroke-dashoffset="1.5" />
      </svg>
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Names and values, one below the other on a phone. */
export function Facts({ rows }: { rows: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
