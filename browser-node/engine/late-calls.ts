// Calls whose code is fetched with the first of them: neither the first minute nor most visits make any.

import type { WeftApi } from '../api.ts';
import type { DeviceCallsOptions } from './device-calls.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { GROUPED_CALLS } from '../transport/engine-api.ts';

type Method = (...args: readonly never[]) => Promise<unknown>;

export type SeldomCalls = {
  readonly blobs: WeftApi['blobs'];
  readonly devices: Pick<WeftApi['wallet'], 'devices' | 'revokeDevice'>;
  readonly versions: Pick<WeftApi['sites'], 'versions' | 'rollback'>;
};

export function lateSeldomCalls(options: DeviceCallsOptions): SeldomCalls {
  const load = async (): Promise<SeldomCalls> =>
    (await needPart(() => import('./seldom-parts.ts'))).createSeldomCalls(options);
  return {
    blobs: forwardCalls(namesOf(GROUPED_CALLS.blobs), async () => (await load()).blobs),
    devices: forwardCalls(['devices', 'revokeDevice'], async () => (await load()).devices),
    versions: forwardCalls(['versions', 'rollback'], async () => (await load()).versions),
  };
}

/** What groups need; rejects with `part_not_loaded` while it cannot be fetched. */
export async function loadGroupParts(): Promise<typeof import('./group-parts.ts')> {
  return await needPart(() => import('./group-parts.ts'));
}

/** Every method of `names` on what `load` brings; a part that could not be fetched is asked for again by the next call. */
export function forwardCalls<T>(names: readonly (keyof T & string)[], load: () => Promise<T>): T {
  const methods = names.map((name) => [
    name,
    async (...args: readonly never[]) => await ((await load())[name] as Method)(...args),
  ]);
  return Object.fromEntries(methods) as T;
}

export function namesOf<T extends object>(calls: T): readonly (keyof T & string)[] {
  return Object.keys(calls) as (keyof T & string)[];
}
