// The contract of edge-host.test.ts, case by case, on Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./edge-host.test.ts');
