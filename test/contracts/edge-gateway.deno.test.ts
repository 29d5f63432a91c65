// The contract of edge-gateway.test.ts, case by case, on Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./edge-gateway.test.ts');
