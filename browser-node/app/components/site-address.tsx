// The address of a site, which breaks at its dots when the line is short.

import { Fragment } from 'preact';
import { displayUrl } from '../format.ts';

export function SiteAddress({ url }: { url: string }) {
  return (
    <>
      {displayUrl(url)
        .split(/(?=[.:])/)
        .map((part, at) => (
          <Fragment key={at}>
            {at > 0 && <wbr />}
            {part}
          </Fragment>
        ))}
    </>
  );
}
