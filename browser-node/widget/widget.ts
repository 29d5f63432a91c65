// The script behind <weft-site> and <weft-badge>: shows on any page what is proven about a site or a CID (docs/widget.md).

import { BADGE_ATTRIBUTES, connectBadge } from './cid-badge.ts';
import { defineElement } from './define-element.ts';
import type { PageContext } from './page-context.ts';
import { connectSite, SITE_ATTRIBUTES } from './site-card.ts';

const page: PageContext = { script: new URL(import.meta.url), clients: new Map() };

defineElement('weft-site', { attributes: SITE_ATTRIBUTES, connect: (host) => connectSite(page, host) });
defineElement('weft-badge', { attributes: BADGE_ATTRIBUTES, connect: (host) => connectBadge(page, host) });
