// All vectors in workerd, where the edge runs.

import { Miniflare } from 'miniflare';
import { expect, test } from 'vitest';
import { bundleVectorRun } from './vector-bundle.ts';
import { missingVectors, readVectors, VECTORS_EXPECTED } from './vector-files.ts';
import type { VectorReport } from './vector-run.ts';

const COMPATIBILITY_DATE = '2026-04-01';

const WORKER = `
  import { runVectors } from './vector-run.ts';
  export default {
    async fetch(request: Request): Promise<Response> {
      return Response.json(await runVectors(await request.json()));
    },
  };
`;

test('SG3, CB1–CB7, NX1–NX3: every vector has its verdict in workerd, natively and in pure JavaScript', async ({
  skip,
}) => {
  const missing = missingVectors();
  if (missing !== undefined) skip(missing);
  const worker = new Miniflare({
    cf: false,
    modules: true,
    script: await bundleVectorRun(WORKER),
    compatibilityDate: COMPATIBILITY_DATE,
    host: '127.0.0.1',
    port: 0,
  });
  try {
    const response = await worker.dispatchFetch('http://localhost/', { method: 'POST', body: await readVectors() });
    const report = (await response.json()) as VectorReport;
    expect(report.failures).toEqual([]);
    expect(report.ran).toMatchObject(VECTORS_EXPECTED);
  } finally {
    await worker.dispose();
  }
});
