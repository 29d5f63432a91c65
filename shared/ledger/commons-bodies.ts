// What a light node asks of the commons: kinds and bodies of operations whose rules, which it has no need of, are in families/.

import { bytes, link, struct, text, uint } from '../codec/schema.ts';
import { defineBody } from './operation.ts';
import { PUZZLE_NONCE_BYTES } from './puzzle.ts';
import { handleSchema, siteNameSchema } from './records.ts';

export const SEALING_KEY_BYTES = 32;

/** `block`: one of the last 16 (chain/recent); `sealingKey`: X25519 key that others seal to. */
export const memberJoinBody = defineBody({
  kind: 'member.join',
  schema: struct({
    block: link(),
    nonce: bytes({ length: PUZZLE_NONCE_BYTES }),
    sealingKey: bytes({ length: SEALING_KEY_BYTES }),
  }),
});

/** Any text, so that what breaks the grammar gets its own code. */
const handleField = text({ max: 64 });

export const handleRegisterBody = defineBody({ kind: 'handle.register', schema: struct({ handle: handleField }) });
export const handleRenewBody = defineBody({ kind: 'handle.renew', schema: struct({ handle: handleField }) });

/** `name` is '' for the default site; `seq` = last + 1, so that two devices never overwrite each other unseen. */
const versionFields = { handle: handleSchema, name: siteNameSchema, seq: uint({ min: 1 }) };

export const sitePublishBody = defineBody({
  kind: 'site.publish',
  schema: struct({ ...versionFields, manifest: link() }),
});

export const siteUnpublishBody = defineBody({ kind: 'site.unpublish', schema: struct(versionFields) });

/** Any text, so that what is no address gets its own code. */
const urlField = text({ max: 256 });

/** `expires`: ms since the epoch. */
export const relayAnnounceBody = defineBody({
  kind: 'relay.announce',
  schema: struct({ url: urlField, expires: uint() }),
});

export const relayRetireBody = defineBody({ kind: 'relay.retire', schema: struct({ url: urlField }) });
