// What the door of the commons costs: a newcomer at the difficulties in use, and a validator for a stranger it refuses or lets in.

import { assert } from '../shared/core/assert.ts';
import { publicKeyBytes } from '../shared/crypto/ids.ts';
import { parseEntry, type VerifiedEntry } from '../shared/feeds/entry.ts';
import { verifyEntry } from '../shared/feeds/verify-entry.ts';
import { createPrecheck } from '../shared/ledger/admission.ts';
import { verifyAuthorisations } from '../shared/ledger/authorisations.ts';
import { searchPuzzle } from '../shared/ledger/puzzle.ts';
import { createWebVerifier } from '../shared/platform/web/web-crypto.ts';
import {
  cidOf,
  createPerson,
  createWorld,
  GROUP,
  join,
  makeBlock,
  nextBlock,
  write,
} from '../test/simulator/ledger-world.ts';
import { lineOf, type BenchLine } from './bench-line.ts';

/** Of `npm start`, and of a commons in public. */
const LOCAL_BITS = 14;
const PUBLIC_BITS = 21;
/** What a newcomer may be kept busy on average while it picks a handle: about ten seconds of a laptop, twice that of what is slower. */
const NEWCOMER_LIMIT = 20;
/** The same where everything is on one machine. */
const LOCAL_LIMIT = 1;
const HASHES = 400_000;
const STRANGERS = 200;
const TURNS = 10;
const EASY_BITS = 4;

export async function run(): Promise<BenchLine[]> {
  const hash = measureHash();
  const { refused, admitted, signature } = await measureValidator();
  const bench = { bench: 'door', better: 'less' } as const;
  const newcomer = (bits: number, limit: number) =>
    lineOf({
      ...bench,
      metric: `a newcomer at ${bits} bits, on average`,
      unit: 's of CPU',
      ours: (hash * 2 ** bits) / 1_000,
      peer: limit,
      peerName: 'the limit',
      target: 1,
    });
  return [
    newcomer(LOCAL_BITS, LOCAL_LIMIT),
    newcomer(PUBLIC_BITS, NEWCOMER_LIMIT),
    lineOf({
      ...bench,
      metric: 'a validator for a stranger without a solution',
      unit: 'ms of CPU',
      ours: refused,
      peer: signature,
      peerName: 'one signature checked',
      target: 0.5,
    }),
    lineOf({
      ...bench,
      metric: `a validator for one it lets in, of what that one spent at ${PUBLIC_BITS} bits`,
      unit: 'ms of CPU',
      ours: admitted,
      peer: hash * 2 ** PUBLIC_BITS,
      peerName: 'the newcomer',
      target: 100,
    }),
  ];
}

/** Milliseconds of one try. */
function measureHash(): number {
  const puzzle = { group: GROUP, identity: identityOfNobody, block: cidOf('a block'), bits: 64 };
  searchPuzzle({ ...puzzle, from: 0, count: HASHES / 4 });
  const started = performance.now();
  searchPuzzle({ ...puzzle, from: 0, count: HASHES });
  return (performance.now() - started) / HASHES;
}

const { identity: identityOfNobody } = await createPerson('nobody');

/** Milliseconds for each stranger: parsed and turned away, or parsed, verified and executed in one block with the others. */
async function measureValidator(): Promise<{ refused: number; admitted: number; signature: number }> {
  const world = createWorld([], { policy: { puzzleBits: EASY_BITS } });
  const strangers = await Promise.all(Array.from({ length: STRANGERS }, (_, at) => createPerson(`stranger ${at}`)));
  const wires = await Promise.all(
    strangers.map(async (one) => (await write(one, [join(world, one, EASY_BITS)])).bytes),
  );
  const verifier = await createWebVerifier();

  const closed = createWorld([], { policy: { puzzleBits: 64 } });
  const precheck = createPrecheck(nextBlock(closed));
  const refuseAll = (): void => {
    for (const [at, wire] of wires.entries()) {
      const parsed = parseEntry(wire);
      assert(parsed.ok && precheck(parsed.value, strangers[at]!.identity) !== undefined, 'nobody solves this one');
    }
  };
  // Once for nothing: a validator has seen entries before.
  refuseAll();
  const timeRefused = timer();
  for (let turn = 0; turn < TURNS; turn++) refuseAll();
  const refused = timeRefused() / STRANGERS / TURNS;

  const timeAdmitted = timer();
  const entries: VerifiedEntry[] = [];
  for (const wire of wires) {
    const checks = { group: GROUP, verifier, identityOfDevice: () => undefined, authorise: verifyAuthorisations };
    const verified = await verifyEntry(wire, { ...checks, precheck: createPrecheck(nextBlock(world)) });
    assert(verified.ok, 'every solution holds');
    entries.push(verified.value);
  }
  makeBlock(world, entries);
  const admitted = timeAdmitted() / STRANGERS;

  const { signer } = strangers[0]!;
  const message = new Uint8Array(200);
  const claim = { key: publicKeyBytes(signer.key), message, signature: await signer.sign(message) };
  const timeSignature = timer();
  for (let at = 0; at < STRANGERS * TURNS; at++) assert(await verifier.verify(claim), 'it holds');
  return { refused, admitted, signature: timeSignature() / STRANGERS / TURNS };
}

function timer(): () => number {
  const started = performance.now();
  return () => performance.now() - started;
}
