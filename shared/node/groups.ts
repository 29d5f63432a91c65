// The groups of this device: founded or joined here, each opened as a member's node over its own part of the store.

import type { Infer } from '../codec/schema.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Failure, Result } from '../core/result.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { Compressor, KeyAgreement, NodePorts, PublicKey, Signer, Store } from '../platform/ports.ts';
import type { PublicReadSource } from '../session/public-read-server.ts';
import type { DirectConnector } from '../session/direct-pipe.ts';
import type { DirectSwitch } from '../session/direct-switch.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { MemberRoom } from './group-links.ts';
import type { KeyRing } from './key-ring.ts';
import type { InviteLink } from './invite-link.ts';
import type { RoomRequest } from './light-node.ts';
import { decodeGenesis, encodeGenesis } from '../chain/genesis.ts';
import { defaultTokens, type TokenPolicy } from '../chain/token-policy.ts';
import { createGroupGenesis, type Cofounder } from '../chain/group-genesis.ts';
import { parseCid, type Cid } from '../codec/cid.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bool, bytes, literal, optional, struct, uint } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { GENESIS_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { publicKeySchema } from '../crypto/ids.ts';
import { createInvite, createInviteProof, type InviteRole } from '../ledger/invite.ts';
import { memberAccept } from '../ledger/families/membership.ts';
import { GroupNode } from './group-node.ts';
import type { GroupSignal } from './group-node-parts.ts';
import { checkpointSchema, formatInviteLink } from './invite-link.ts';
import { keyFields } from './key-fields.ts';
import { GROUP_RECORD_PREFIX } from './known-groups.ts';
import { prefixRange } from './outbox-records.ts';
import { finishRecovery, planRecovery, signRecovery } from './recovery.ts';
import { rulesAfter } from './chain-head.ts';
import { loadCheckpoint } from './chain-store.ts';
import { createPrefixedStore } from './prefixed-store.ts';

const KEY_BYTES = 32;
const RECORD_BYTES_MAX: number = GENESIS_BYTES_MAX + 1_024;

const recordSchema = struct({
  v: literal(1),
  genesis: bytes({ max: GENESIS_BYTES_MAX }),
  /** Of a private group, that of the key epoch in which it was founded or joined; the first one's without a number. */
  sealingKey: optional(bytes({ length: KEY_BYTES })),
  keyEpoch: optional(uint({ min: 1 })),
  /** Founded here: false for one that was joined, or is known from another device. */
  founded: bool(),
  /** Of the invite by which it was joined. */
  checkpoint: optional(checkpointSchema),
  /** Where the own devices meet: the number of the pointer to it and the key epoch it names, and the device that founded and orders it. */
  personal: optional(struct({ seq: uint({ min: 1 }), device: publicKeySchema, keyEpoch: optional(uint({ min: 1 })) })),
});
type GroupRecord = Infer<typeof recordSchema>;

/** What opens a group for whoever is in it: its genesis, and where members read alone the sealing key of a key epoch (0 if none is named). */
export type GroupKeys = {
  readonly genesis: Uint8Array;
  readonly sealingKey: Uint8Array | null;
  readonly keyEpoch?: number;
};

/** `others`: members who order it from the beginning, each by what their `offer` says. */
export type NewGroup = {
  readonly name: string;
  readonly read: 'members' | 'public';
  readonly others?: readonly Cofounder[];
  readonly tokens?: TokenPolicy;
};

export type PersonalPlace = NonNullable<GroupRecord['personal']>;

export type GroupsOptions = Pick<NodePorts, 'clock' | 'random' | 'verifier' | 'log' | 'store'> & {
  readonly self: LocalNode;
  /** The platform's, where it has one. */
  readonly agreement?: KeyAgreement | null;
  /** X25519 public key that others seal to. */
  readonly sealingKey: Uint8Array<ArrayBuffer>;
  /** Its secret; null while the phrase is closed here. */
  readonly sealingSeed: () => Promise<Uint8Array | null>;
  readonly createValidator: () => Promise<Signer>;
  /** The key if it was made on this device. */
  readonly openValidator: (key: PublicKey) => Promise<Signer | null>;
  /** From the disk, for good. */
  readonly eraseValidator: (key: PublicKey) => Promise<void>;
  readonly createSigner: (seed: Uint8Array) => Signer;
  readonly openRoom: (request: RoomRequest) => MemberRoom;
  /** Opens connections between browsers; null where there are none. */
  readonly connector: DirectConnector | null;
  /** Of all groups; absent: on. */
  readonly directSwitch?: DirectSwitch;
  /** Content that members may have directly; null for none. */
  readonly blocks: PublicReadSource | null;
  readonly openDocuments: (store: Store) => Promise<GroupDocuments>;
  readonly readChanges: ChangeReader;
  readonly compressor: Compressor;
  /** Something that a summary of the group says has changed. */
  readonly onChange: (group: Cid) => void;
  readonly onSignal: (group: Cid, signal: GroupSignal) => void;
};

export class Groups {
  readonly #options: GroupsOptions;
  readonly #nodes = new Map<Cid, GroupNode>();
  #personal: (PersonalPlace & { readonly node: GroupNode }) | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  /** Opens every group of this device. */
  static async open(options: GroupsOptions): Promise<Groups> {
    const groups = new Groups(options);
    for (const { value } of await options.store.range(prefixRange(GROUP_RECORD_PREFIX))) {
      const record = decodeCanonical(recordSchema, value, { max: RECORD_BYTES_MAX });
      assert(record.ok, 'the own record of a group decodes');
      const founding = decodeGenesis(record.value.genesis);
      assert(founding.ok, 'the genesis of an own group decodes');
      await groups.#open(record.value, { founding: founding.value, isNew: false });
    }
    return groups;
  }

  private constructor(options: GroupsOptions) {
    this.#options = options;
  }

  get all(): readonly GroupNode[] {
    return [...this.#nodes.values()];
  }

  /** Where the own devices meet; one of `all`. */
  get personal(): (PersonalPlace & { readonly node: GroupNode }) | null {
    return this.#personal;
  }

  /** Those that a person founded or joined. */
  get ordinary(): readonly GroupNode[] {
    return this.all.filter((node) => node !== this.#personal?.node);
  }

  get(group: string): Result<GroupNode, Failure<'group_unknown'>> {
    const id = parseCid(group);
    const node = id.ok && this.#nodes.get(id.value);
    return node ? ok(node) : fail('group_unknown', 'This browser is in no such group: join it by an invite.');
  }

  /** On disk, and ready for the first edit, when it resolves. `tokens` null: none, now and ever. */
  create(group: Omit<NewGroup, 'tokens'> & { readonly tokens?: TokenPolicy | null }): Promise<GroupNode> {
    return this.#inTurn(async () => {
      const { tokens = defaultTokens(this.#options.clock.now()), ...named } = group;
      const keys = await this.draw({ ...named, ...(tokens && { tokens }) });
      const founding = decodeGenesis(keys.genesis);
      assert(founding.ok, 'an own genesis decodes');
      const record = recordOf(keys, { founded: true });
      await this.#keep(founding.value.group, record);
      return await this.#open(record, { founding: founding.value, isNew: true });
    });
  }

  /** What this device says to whoever founds a group that it is to order as well. */
  async offer(): Promise<Cofounder> {
    const { self, sealingKey, createValidator } = this.#options;
    const validator = await createValidator();
    return { identity: self.identity, sealingKey, validator: validator.key };
  }

  /**
   * This device goes on ordering a group whose validators are gone for good (CH38): by the word of its identity, where
   * that is enough. Nothing may have been final for a week. `signer`: the identity's.
   */
  async recover(node: GroupNode, signer: Signer): Promise<Result<null, Failure>> {
    const { clock, createValidator } = this.#options;
    const { founding, chain } = node;
    const { key } = await createValidator();
    const plan = planRecovery({ chain, founding, keys: [key], f: 0, time: clock.now() });
    if (!plan.ok) return plan;
    const sig = await signRecovery(founding, plan.value, signer);
    const block = finishRecovery(founding, plan.value, new Map([[signer.key, sig]]));
    if (block === null) return fail('not_permitted', 'It takes others beside you to recover this group.');
    const taken = await chain.takeBlocks([block]);
    return taken.ok ? ok(null) : taken;
  }

  /** A group that is ordered here and not there yet: nothing is kept of it but its validator's key. */
  async draw(group: NewGroup): Promise<GroupKeys> {
    const { clock, random, self, sealingKey, createValidator } = this.#options;
    const validator = await createValidator();
    const genesis = createGroupGenesis({
      ...group,
      founder: { identity: self.identity, sealingKey },
      validator: validator.key,
      created: clock.now(),
    });
    return {
      genesis: encodeGenesis(genesis),
      sealingKey: group.read === 'members' ? random.bytes(KEY_BYTES) : null,
    };
  }

  /** Opens a group that this identity is in already, as another of its devices knows. One that is open learns its key. */
  adopt(keys: GroupKeys, founding: Founding): Promise<GroupNode> {
    return this.#inTurn(async () => {
      const known = this.#nodes.get(founding.group);
      if (known) {
        await known.keys.learn(ringOf(keys));
        return known;
      }
      const record = recordOf(keys, { founded: false });
      await this.#keep(founding.group, record);
      return await this.#open(record, { founding, isNew: true });
    });
  }

  /** From now on the own devices meet there; where they met before is forgotten with the same write. */
  adoptPersonal(keys: GroupKeys, founding: Founding, personal: PersonalPlace): Promise<GroupNode> {
    return this.#inTurn(async () => {
      const { group } = founding;
      const before = this.#personal?.node;
      const record = { ...recordOf(keys, { founded: personal.device === this.#options.self.signer.key }), personal };
      await this.#keep(group, record, before && before.group !== group ? before.group : undefined);
      if (before?.group === group) {
        this.#personal = { ...personal, node: before };
        await before.keys.learn(ringOf(keys));
        return before;
      }
      if (before) {
        this.#personal = null;
        this.#nodes.delete(before.group);
        await before.close();
      }
      return await this.#open(record, { founding, isNew: true });
    });
  }

  /** For another device of this identity, or a newcomer: with the newest key. */
  async keysOf(node: GroupNode): Promise<GroupKeys> {
    const { genesis } = await this.#load(node.group);
    const [newest] = node.keys.keys;
    return { genesis, sealingKey: newest?.key ?? null, ...(newest && { keyEpoch: newest.epoch }) };
  }

  /** A fragment for the app's address. The capability counts once this identity is an admin, which the chain checks. */
  async invite(
    node: GroupNode,
    terms: { readonly role: InviteRole; readonly uses: number; readonly expires: number },
  ): Promise<string> {
    const { random, self, createSigner } = this.#options;
    const oneTimeSeed = random.bytes(KEY_BYTES);
    const { key } = createSigner(oneTimeSeed);
    const { signer, certificate } = self;
    const invite = await createInvite({ signer, certificate, group: node.group, key, ...terms });
    const checkpoint = await loadCheckpoint(this.#storeOf(node.group), rulesAfter(node.chain.state, node.group).epoch);
    const known = checkpoint ?? (await this.#load(node.group)).checkpoint;
    const keys = await this.keysOf(node);
    return formatInviteLink({ ...keys, invite, oneTimeSeed, ...(known && { checkpoint: known }) });
  }

  /** The entry that joins is on disk when it resolves, and goes out by itself. Joined already: the same group again. */
  join(link: InviteLink, name: string): Promise<GroupNode> {
    return this.#inTurn(async () => {
      const { self, sealingKey, createSigner } = this.#options;
      const { group } = link.founding;
      const known = this.#nodes.get(group);
      const role = known?.roleOf(self.identity) ?? null;
      if (known && role !== null && role !== 'removed') return known;
      const { invite } = link;
      const { checkpoint } = link;
      const record = { ...recordOf(link, { founded: false }), ...(checkpoint && { checkpoint }) };
      if (!known) await this.#keep(group, record);
      await known?.keys.learn(ringOf(link));
      const node = known ?? (await this.#open(record, { founding: link.founding, isNew: true }));
      // In it from the beginning.
      if (node.roleOf(self.identity) === 'member') return node;
      const signer = createSigner(link.oneTimeSeed);
      const proof = await createInviteProof({ signer, group, identity: self.identity });
      await node.submit([memberAccept.create({ invite, proof, sealingKey, ...(name !== '' && { name }) })]);
      return node;
    });
  }

  /** The network may be back. */
  wake(): void {
    for (const node of this.#nodes.values()) node.wake();
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => undefined);
    await Promise.all(this.all.map((node) => node.close()));
  }

  async #open(record: GroupRecord, given: { founding: Founding; isNew: boolean }): Promise<GroupNode> {
    const { openDocuments, openValidator, onChange, onSignal, log } = this.#options;
    const { founding, isNew } = given;
    const { group } = founding;
    const part = this.#storeOf(group);
    const node = await GroupNode.open({
      ...this.#options,
      store: part,
      founding,
      isNew,
      checkpoint: record.checkpoint,
      openValidator: async (keys) => {
        const opened = await Promise.all(keys.map((key) => openValidator(key)));
        return opened.find((signer) => signer !== null) ?? null;
      },
      keys: ringOf({ sealingKey: record.sealingKey ?? null, ...record }),
      documents: await openDocuments(part),
      events: {
        changed: () => onChange(group),
        signal: (signal) => onSignal(group, signal),
        failed: ({ code }) => log.error('group failed', { code }),
      },
    });
    this.#nodes.set(group, node);
    if (record.personal) this.#personal = { ...record.personal, node };
    onChange(group);
    return node;
  }

  #storeOf(group: Cid): Store {
    return createPrefixedStore(this.#options.store, `group/${group}/`);
  }

  async #keep(group: Cid, record: GroupRecord, forget?: Cid): Promise<void> {
    const put = [{ key: GROUP_RECORD_PREFIX + group, value: encodeCanonical(recordSchema, record) }];
    const remove = forget === undefined ? [] : [GROUP_RECORD_PREFIX + forget];
    await this.#options.store.write({ put, remove }, 'strict');
  }

  async #load(group: Cid): Promise<GroupRecord> {
    const stored = await this.#options.store.get(GROUP_RECORD_PREFIX + group);
    const record = stored && decodeCanonical(recordSchema, stored, { max: RECORD_BYTES_MAX });
    assert(record?.ok, 'an open group has a record');
    return record.value;
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const next = this.#turn.then(task, task);
    this.#turn = next.catch(() => undefined);
    return next;
  }
}

function recordOf(keys: GroupKeys, { founded }: { founded: boolean }): GroupRecord {
  return { v: 1, genesis: keys.genesis, founded, ...keyFields(keys) };
}

function ringOf({ sealingKey, keyEpoch = 0 }: Omit<GroupKeys, 'genesis'>): KeyRing {
  return sealingKey ? [{ epoch: keyEpoch, key: sealingKey }] : [];
}
