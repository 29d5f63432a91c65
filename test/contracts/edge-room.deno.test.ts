// The contract of edge-room.test.ts, case by case, on Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./edge-room.test.ts');
