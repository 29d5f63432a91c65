// Failures across Comlink: what a call rejects with arrives on the other side as {code, message}, whatever it was (BN15).

import { transferHandlers, type TransferHandler } from 'comlink';
import type { ApiFailure } from '../api.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** What calls of the JavaScript API reject with. */
export class NodeFailure extends Error implements ApiFailure {
  readonly code: string;
  constructor({ code, message }: ApiFailure) {
    super(message);
    this.name = 'NodeFailure';
    this.code = code;
  }
}

/** The value, or a rejection that carries code and sentence. */
export function orThrow<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw new NodeFailure({ code: result.error.code, message: result.error.because });
}

export function reject(code: string, message: string): never {
  throw new NodeFailure({ code, message });
}

/** Failures keep their code and sentence; anything else is a bug of ours, and says so. */
export function readApiFailure(error: unknown): ApiFailure {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  // A DOMException has a number for its code.
  if (typeof code === 'string' && typeof message === 'string') return { code, message };
  const detail = messageOf(error);
  return { code: 'internal', message: `Something in weft broke (${detail}): reload the page. What is stored stays.` };
}

type Thrown = { readonly value: unknown };
type ThrowHandler = TransferHandler<Thrown, ApiFailure>;

/** On both sides, before the first call. */
export function installFailureTransfer(log: (error: unknown) => void = () => {}): void {
  const own = transferHandlers.get('throw') as ThrowHandler;
  const handler: ThrowHandler = {
    canHandle: (value): value is Thrown => own.canHandle(value),
    serialize({ value }) {
      const failure = readApiFailure(value);
      if (failure.code === 'internal') log(value);
      return [failure, []];
    },
    deserialize(failure) {
      throw new NodeFailure(failure);
    },
  };
  transferHandlers.set('throw', handler);
}
