// Records of tasks that are not done yet: who asked, who does it, and what it pays (LG79).

import { encodeUtf8, toHex } from '../codec/base.ts';
import { amount, bool, link, optional, struct, text, uint, words, type Infer } from '../codec/schema.ts';
import { identitySchema } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { assetSchema } from './account-records.ts';
import { characters } from './item-fields.ts';
import type { RecordType } from './records.ts';

/** J02, J03: characters. */
const TASK_ID_MAX = 256;
const TASK_TITLE_MAX = 256;
/** J04, J05: bytes. */
const TASK_DESCRIPTION_BYTES_MAX = 4_096;
const TASK_ERROR_BYTES_MAX = 1_024;
/** Ids are long, keys of state are not: enough that no two ids meet. */
const TASK_HASH_BYTES = 16;

export const TASK_FIELDS = {
  id: characters({ min: 1, max: TASK_ID_MAX }),
  title: characters({ min: 1, max: TASK_TITLE_MAX }),
  description: text({ max: TASK_DESCRIPTION_BYTES_MAX }),
  error: text({ max: TASK_ERROR_BYTES_MAX }),
};

/** `entry`: the one that made it, in which its description stands. `open`: any member may take it. `deadline`: ms, block time. */
const taskSchema = struct({
  id: TASK_FIELDS.id,
  title: TASK_FIELDS.title,
  creator: identitySchema,
  entry: link(),
  open: bool(),
  status: words('pending', 'assigned', 'in_progress'),
  assignee: optional(identitySchema),
  reward: optional(struct({ asset: assetSchema, amount: amount(), from: words('escrow', 'mint') })),
  deadline: uint(),
});
export type Task = Infer<typeof taskSchema>;

/** By the task's id. One that is completed or failed has no record. */
export const TASK: RecordType<string, Task> = {
  key: (id) => `tasks/${toHex(sha256(encodeUtf8(id)).slice(0, TASK_HASH_BYTES))}`,
  schema: taskSchema,
};
