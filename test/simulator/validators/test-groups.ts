// The groups of simulated validators, made once: their keys take longer than a run.

import { createTestGroup, type TestGroup } from '../../../shared/chain/chain.test-kit.ts';

const groups = new Map<string, TestGroup>();

export function groupOf(validators: number, f: number): TestGroup {
  const name = `${validators} ${f}`;
  const group = groups.get(name) ?? createTestGroup(validators, f);
  groups.set(name, group);
  return group;
}
