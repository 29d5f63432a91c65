// Whether a posted block may enter the edge's copy (ED20, ED21): certified as final by the commons' validators, and complete.

import type { Failure, Result } from '../../shared/core/result.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { FeedId } from '../../shared/crypto/ids.ts';
import type { PublicKey, Verifier } from '../../shared/platform/ports.ts';
import type { Block, ChainRules } from '../../shared/chain/block.ts';
import type { CertifiedBlock } from '../../shared/chain/certified-block.ts';
import type { ValidatorSet } from '../../shared/chain/validator-set.ts';
import type { EdgeConfig } from '../edge.ts';
import { decodeCertifiedBlock } from '../../shared/chain/certified-block.ts';
import { verifyCertificate } from '../../shared/chain/certificate.ts';
import { GENESIS_EPOCH, decodeGenesis } from '../../shared/chain/genesis.ts';
import { certifiersOf, readRecovery, type RecoverySet } from '../../shared/chain/recovery-set.ts';
import { assert } from '../../shared/core/assert.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { publicKeyBytes } from '../../shared/crypto/ids.ts';
import { signedBytes } from '../../shared/crypto/signed-bytes.ts';
import { parseEntry } from '../../shared/feeds/entry.ts';

/** Whose certificate a block of some height needs. */
export type BlockRules = ChainRules & { readonly recovery: RecoverySet | null };

export type CheckedBlock = {
  readonly id: Cid;
  readonly height: number;
  readonly parent: Cid;
  /** The last entry of each feed in this block. */
  readonly feedHeads: readonly { device: PublicKey; feed: FeedId; seq: number; head: Cid }[];
  /** Of a seal: whose certificates the blocks after it need. */
  readonly nextSet: ValidatorSet | null;
};

type Refusal = Failure<'bad_block'>;

export function readBlockRules(config: EdgeConfig): BlockRules {
  const founding = decodeGenesis(config.genesis);
  assert(founding.ok, 'a configuration holds a genesis that decodes');
  const { group, set, genesis } = founding.value;
  return { group, epoch: GENESIS_EPOCH, set, recovery: readRecovery(genesis) };
}

export async function checkBlock(
  bytes: Uint8Array,
  rulesAt: (height: number) => BlockRules,
  verifier: Verifier,
): Promise<Result<CheckedBlock, Refusal>> {
  const decoded = decodeCertifiedBlock(bytes);
  if (!decoded.ok) return fail('bad_block', decoded.error.because);
  const { block, certificate, nextSet = null } = decoded.value;
  const rules = rulesAt(block.header.height);
  if (block.header.group !== rules.group) return fail('bad_block', 'The block belongs to another group.');
  const { epoch, validators, nextValidators } = block.header;
  if (epoch !== rules.epoch || validators !== rules.set.id) {
    return fail('bad_block', 'The block names other validators than those who order at its height.');
  }
  if (nextValidators !== (nextSet?.id ?? validators)) {
    return fail('bad_block', 'The block hands over to validators that it does not bring.');
  }
  const certified = await verifyCertificate({
    certificate,
    group: rules.group,
    set: certifiersOf(block.header, rules),
    verifier,
  });
  if (!certified.ok) return fail('bad_block', certified.error.because);
  const feedHeads = await checkEntries(decoded.value, rules.group, verifier);
  if (!feedHeads.ok) return feedHeads;
  const { height, parent } = block.header;
  return ok({ id: block.id, height, parent, feedHeads: feedHeads.value, nextSet });
}

/**
 * The header names the last entry of each feed, and hash links name the rest. Ids exclude signatures, so those are
 * checked too: else anyone could post a true block with entries that nobody can verify.
 */
async function checkEntries(
  { block, entries }: CertifiedBlock,
  group: Cid,
  verifier: Verifier,
): Promise<Result<CheckedBlock['feedHeads'], Refusal>> {
  const heads: CheckedBlock['feedHeads'][number][] = [];
  const verdicts: Promise<boolean>[] = [];
  let at = 0;
  for (const item of block.header.cut) {
    const checked = readRange(item, entries.slice(at, at + item.to - item.from + 1));
    if (!checked.ok) return checked;
    at += item.to - item.from + 1;
    for (const { body, bodyBytes, sig } of checked.value) {
      const message = signedBytes('entry', group, bodyBytes);
      verdicts.push(verifier.verify({ key: publicKeyBytes(body.device), message, signature: sig }));
    }
    const { device } = checked.value[0]!.body;
    heads.push({ device, feed: item.feed, seq: item.to, head: item.head });
  }
  if ((await Promise.all(verdicts)).includes(false)) {
    return fail('bad_block', 'The signature of an entry does not verify.');
  }
  return ok(heads);
}

type CutItem = Block['header']['cut'][number];
type Parsed = Extract<ReturnType<typeof parseEntry>, { ok: true }>['value'];

function readRange(item: CutItem, wires: readonly Uint8Array[]): Result<Parsed[], Refusal> {
  const range: Parsed[] = [];
  for (const wire of wires) {
    const entry = parseEntry(wire);
    if (!entry.ok) return fail('bad_block', entry.error.because);
    const { feed, seq, prev } = entry.value.body;
    const before = range.at(-1);
    if (feed !== item.feed || seq !== item.from + range.length || (before && prev !== before.id)) {
      return fail('bad_block', 'The entries are not those the block names.');
    }
    range.push(entry.value);
  }
  if (range.at(-1)?.id !== item.head) return fail('bad_block', 'The entries are not those the block names.');
  return ok(range);
}
