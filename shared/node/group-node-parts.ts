// What a member's node of one group is made of: what its host gives, what it tells that, and the parts that lie on its disk.

import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { Compressor, KeyAgreement, NodePorts, Signer } from '../platform/ports.ts';
import type { DirectConnector } from '../session/direct-pipe.ts';
import type { DirectSwitch } from '../session/direct-switch.ts';
import type { PublicReadSource } from '../session/public-read-server.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { MemberRoom } from './group-links.ts';
import type { KeyKeeperOptions } from './key-keeper.ts';
import type { RoomRequest } from './light-node.ts';
import { addKeys, loadKeys, type KeyRing } from './key-ring.ts';
import { ForkProofs } from './fork-proofs.ts';
import { Ordering } from './ordering.ts';
import { Outbox } from './outbox.ts';
import { PatientStore } from './patient-store.ts';
import { keepDocuments } from './pending-documents.ts';
import { ValidatorPeers } from './validator-peers.ts';

export type GroupSignal = {
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly kind: string;
  readonly body: Uint8Array;
  /** By this node's clock. */
  readonly until: Millis;
};

export type GroupEvents = {
  /** Something that a summary of the group says has changed. */
  changed(): void;
  signal(signal: GroupSignal): void;
  /** The disk failed, or the group has two histories: nothing more is signed here. */
  failed(failure: Failure): void;
};

export type GroupNodeOptions = Pick<NodePorts, 'clock' | 'random' | 'verifier' | 'log' | 'store'> & {
  readonly founding: Founding;
  /** Of the invite. */
  readonly checkpoint?: Checkpoint | undefined;
  readonly createValidator: () => Promise<Signer>;
  /** The one of these keys that is on this device. */
  readonly openValidator: (keys: readonly PublicKey[]) => Promise<Signer | null>;
  /** From the disk, for good. */
  readonly eraseValidator: (key: PublicKey) => Promise<void>;
  readonly self: LocalNode;
  /** The platform's, where it has one. */
  readonly agreement?: KeyAgreement | null;
  /** The device was made, or the group founded or joined here, just now: nobody can know a feed of it. */
  readonly isNew: boolean;
  /** Those that it was founded or joined with; none in a public group. */
  readonly keys: KeyRing;
  readonly sealingSeed: KeyKeeperOptions['sealingSeed'];
  readonly openRoom: (request: RoomRequest) => MemberRoom;
  /** Opens connections between browsers; null where there are none. */
  readonly connector: DirectConnector | null;
  /** Of all groups; absent: on. */
  readonly directSwitch?: DirectSwitch;
  /** Content that members may have directly; null for none. */
  readonly blocks: PublicReadSource | null;
  readonly documents: GroupDocuments;
  readonly readChanges: ChangeReader;
  readonly compressor: Compressor;
  readonly events: GroupEvents;
};

export type GroupParts = {
  readonly chain: Ordering;
  /** The chain's. */
  readonly disk: PatientStore;
  readonly validators: ValidatorPeers;
  readonly outbox: Outbox;
  readonly forks: ForkProofs;
  /** Those of the options, and those that were learnt since. */
  readonly keys: KeyRing;
};

export async function openGroupParts(options: GroupNodeOptions): Promise<GroupParts> {
  const { store, clock, verifier, log, founding, openValidator, random, self, readChanges, documents } = options;
  const device = self.signer.key;
  const validators = new ValidatorPeers({ group: founding.group, device, verifier, clock, log });
  const disk = new PatientStore(store, { clock, onChange: options.events.changed });
  const chain = await Ordering.open({
    store: disk,
    peers: validators,
    clock,
    verifier,
    founding,
    checkpoint: options.checkpoint,
    signer: null,
    openSigner: openValidator,
    log,
    own: device,
    readChanges,
    beside: (finals) => keepDocuments(documents, finals),
  });
  const outbox = await Outbox.open({
    store,
    clock,
    random,
    signer: self.signer,
    group: founding.group,
    device,
    certificate: self.certificate,
  });
  // One that was learnt was checked.
  const keys = addKeys(options.keys, await loadKeys(store));
  return { chain, disk, validators, outbox, forks: await ForkProofs.open(store), keys };
}
