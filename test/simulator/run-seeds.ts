// npm run test:sim -- --seed N: one run of a group and its digest. --seeds N: as many runs, from seed 0 or from --from M.
// With --together, every member of the group validates.
// With --validators: runs of validators that order together, instead of groups of whole nodes; of one seed that fails, the
// smallest plan that fails too, which a directed test can hold.

import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { runGroup } from './group-run.ts';
import { drawPlan, type FaultPlan } from './validators/fault-plan.ts';
import { runPlan, runValidators } from './validators/run-validators.ts';
import { shrinkPlan } from './validators/shrink-plan.ts';
import { messageOf } from '../../shared/core/message-of.ts';

function numberOf(name: string): number | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : Number(process.argv[at + 1]);
}

function failsToOrder(plan: FaultPlan): boolean {
  try {
    runPlan(plan);
    return false;
  } catch {
    return true;
  }
}

const order = process.argv.includes('--together') ? 'all' : 'founder';
const withoutNodes = process.argv.includes('--validators');
const run = withoutNodes ? runValidators : (seed: number) => runGroup(seed, order);
if (!withoutNodes) await startAutomerge();
const one = numberOf('seed');
const from = one ?? numberOf('from') ?? 0;
const count = one === undefined ? (numberOf('seeds') ?? 100) : 1;
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  try {
    const seen = await run(seed);
    if (count === 1) console.log(JSON.stringify(seen));
  } catch (error) {
    failed++;
    console.error(messageOf(error));
    if (withoutNodes && count === 1) {
      console.error(`Smallest: ${JSON.stringify(shrinkPlan(drawPlan(seed), failsToOrder))}`);
    }
  }
}
console.log(`${count - failed} of ${count} runs converged`);
process.exitCode = failed === 0 ? 0 : 1;
