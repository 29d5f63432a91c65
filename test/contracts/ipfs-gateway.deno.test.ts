// The contract of ipfs-gateway.test.ts, case by case, on Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./ipfs-gateway.test.ts');
