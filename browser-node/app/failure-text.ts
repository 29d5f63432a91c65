// What a person reads when a call fails: the failure's own sentence, or an honest one for a bug.

import type { ApiFailure } from '../api.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** Calls of the node reject with a code and a sentence; anything else is a bug of ours. */
export function readFailure(error: unknown): ApiFailure {
  if (isFailure(error)) return { code: error.code, message: error.message };
  const detail = messageOf(error);
  return {
    code: 'app_failed',
    message: `Something in this page broke (${detail}): reload it. What is stored on this device stays.`,
  };
}

function isFailure(error: unknown): error is ApiFailure {
  if (typeof error !== 'object' || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  // A DOMException carries a number as its code.
  return typeof code === 'string' && code !== '' && typeof message === 'string' && message !== '';
}
