// All vectors in Node.

import { expect, test } from 'vitest';
import { missingVectors, readVectors, VECTORS_EXPECTED } from './vector-files.ts';
import { runVectors, type VectorFiles } from './vector-run.ts';

test('SG3, CB1–CB7, NX1–NX3: every vector has its verdict in Node, natively and in pure JavaScript', async ({
  skip,
}) => {
  const missing = missingVectors();
  if (missing !== undefined) skip(missing);
  const report = await runVectors(JSON.parse(await readVectors()) as VectorFiles);
  expect(report.failures).toEqual([]);
  expect(report.ran).toMatchObject(VECTORS_EXPECTED);
});
