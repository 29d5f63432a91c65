// Members of one group in one process: whole nodes over a relay in memory, with time, chance, network and disks from a seed.

import { createLocalNode } from './local-node.ts';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { type Identity } from '../../shared/crypto/ids.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { sealingKeyOfSeed } from '../../shared/crypto/x25519.ts';
import { verifyPure } from '../../shared/crypto/ed25519.ts';
import { createChangeReader } from '../../shared/documents/change-reader.ts';
import { GroupDocuments } from '../../shared/documents/group-documents.ts';
import { Groups } from '../../shared/node/groups.ts';
import type { GroupSignal } from '../../shared/node/group-node-parts.ts';
import type { Clock, Link, PublicKey, Verifier } from '../../shared/platform/ports.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import type { LocalNode } from '../../shared/session/session-identity.ts';
import type { MailRoom } from '../../shared/node/group-mail.ts';
import { MailClient } from '../../shared/session/mail-client.ts';
import { digestMail, type MailAddress } from '../../shared/session/mail-wire.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import type { RoomId } from '../../shared/session/room.ts';
import type { RoomMail } from '../../worker/relay/mail-shelf.ts';
import { createMemoryRoom, type MemoryRoom, type MemoryRoomOptions } from './memory-room.ts';
import type { MemoryDisk } from './memory-store.ts';
import { createPromptCompressor } from './prompt-compressor.ts';
import { createSeededRandom } from './seeded-random.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { silentLog as log } from './silent-log.ts';

export type GroupWorld = {
  /** The relay's room of that id, as every member sees it. */
  room(id: RoomId): MemoryRoom;
  /** Every room there is. */
  readonly rooms: ReadonlyMap<RoomId, MemoryRoom>;
  /** `device` tells devices of one person apart. */
  startMember(member: { name: string; device?: string; disk: MemoryDisk; onChange?: () => void }): Promise<WorldMember>;
};

export type WorldMember = {
  readonly identity: Identity;
  readonly device: PublicKey;
  readonly self: LocalNode;
  readonly groups: Groups;
  readonly signals: readonly GroupSignal[];
  /** Cut off from every relay until it is reachable again. */
  setReachable(reachable: boolean): void;
  /** As a process that is killed: nothing is finished, nothing is said. */
  kill(): void;
  close(): Promise<void>;
};

/** `mail`: whether relays keep mail. */
export type GroupWorldOptions = Pick<MemoryRoomOptions, 'delay' | 'loss' | 'tamper'> & {
  readonly mail?: boolean;
  readonly clock: SimulatedClock;
  readonly seed: number;
};

export function createGroupWorld(options: GroupWorldOptions): GroupWorld {
  const { clock, seed, mail = false, ...network } = options;
  const rooms = new Map<RoomId, MemoryRoom>();
  const verifier = createRememberingVerifier();
  let starts = 0;
  const room = (id: RoomId): MemoryRoom => {
    const known = rooms.get(id);
    if (known) return known;
    const made = createMemoryRoom({
      ...network,
      ...(mail && { mail: createMemoryMail() }),
      clock,
      random: createSeededRandom(seed + rooms.size),
    });
    rooms.set(id, made);
    return made;
  };
  return {
    rooms,
    room,
    async startMember({ name, device: deviceName = 'laptop', disk, onChange = () => undefined }) {
      const life = ++starts;
      const random = createSeededRandom(seed * 1_000 + life);
      const self = await createLocalNode({
        owner: `${seed} ${name}`,
        device: `${seed} ${name} ${deviceName}`,
        name: deviceName,
      });
      const { identity, signer } = self;
      const own = { alive: true, reachable: true };
      const signals: GroupSignal[] = [];
      const sealingSeed = sealingSeedOf(name);
      const store = disk.openStore();
      const vaultKey = (key: PublicKey): string => `vault/${key}`;
      let validators = 0;
      const mortal = {
        now: () => clock.now(),
        after: (delay: number, task: () => void) => clock.after(delay, () => (own.alive ? task() : undefined)),
      };
      const open: RelayRoom[] = [];
      const links = new Set<Link>();
      const connectTo = async (id: RoomId): Promise<Link> => {
        if (!own.reachable) throw new Error('the network is away');
        const link = await room(id).connect();
        links.add(link);
        return link;
      };
      const groups = await Groups.open({
        clock: mortal,
        random,
        verifier,
        log,
        store,
        self,
        sealingKey: sealingKeyOfSeed(sealingSeed),
        sealingSeed: () => Promise.resolve(sealingSeed),
        async createValidator() {
          const made = `${seed} ${name} ${deviceName} validator ${life} ${validators++}`;
          const value = sha256(encodeUtf8(made));
          const validator = createSeedSigner(value);
          await store.write({ put: [{ key: vaultKey(validator.key), value }] }, 'strict');
          return validator;
        },
        async openValidator(key) {
          const secret = await store.get(vaultKey(key));
          return secret ? createSeedSigner(secret) : null;
        },
        eraseValidator: (key) => store.write({ remove: [vaultKey(key)] }, 'strict'),
        createSigner: createSeedSigner,
        connector: null,
        blocks: null,
        openRoom: ({ roomOf, services }) => {
          const relay = new RelayRoom({
            connect: () => connectTo(roomOf(0)),
            clock: mortal,
            random,
            services,
            log,
          });
          open.push(relay);
          return mail ? Object.assign(relay, { mail: mailRoomOf(relay, mortal) }) : relay;
        },
        openDocuments: (part) => GroupDocuments.open({ store: part, log, random, identity, device: signer.key }),
        readChanges: createChangeReader(),
        compressor: createPromptCompressor(),
        onChange,
        onSignal: (_group, signal) => signals.push(signal),
      });
      return {
        identity,
        device: signer.key,
        self,
        groups,
        signals,
        setReachable(reachable) {
          own.reachable = reachable;
          if (reachable) return;
          for (const link of links) link.close();
          links.clear();
        },
        kill() {
          own.alive = false;
          void store.close();
          for (const relay of open) relay.close();
        },
        async close() {
          await groups.close();
          own.alive = false;
        },
      };
    },
  };
}

function mailRoomOf(room: RelayRoom, clock: Clock): MailRoom {
  const client = new MailClient({ room, clock });
  return {
    postMail: (to, bytes) => client.post(to, bytes),
    takeMail: (address) => client.take(address),
    dropMail: (address, mails) => client.drop(address, mails),
  };
}

/** What one relay keeps for one room, for ever. */
function createMemoryMail(): RoomMail {
  const shelves = new Map<MailAddress, Uint8Array[]>();
  return {
    post({ address, bytes }) {
      shelves.set(address, [...(shelves.get(address) ?? []), bytes.slice()]);
      return 'done';
    },
    take: (address) => shelves.get(address) ?? [],
    drop(address, digests) {
      const left = (shelves.get(address) ?? []).filter((one) => !digests.includes(digestMail(one)));
      shelves.set(address, left);
    },
  };
}

/** The X25519 secret of a member of that name. */
export function sealingSeedOf(name: string): Uint8Array<ArrayBuffer> {
  return sha256(encodeUtf8(`${name} seals`));
}

/** The pure path, each signature once: members of one process need not check the same one each. */
function createRememberingVerifier(): Verifier {
  const verdicts = new Map<string, boolean>();
  return {
    async verify({ key, message, signature }) {
      const id = toHex(sha256(Uint8Array.from([...key, ...signature, ...sha256(message)])));
      const known = verdicts.get(id);
      if (known !== undefined) return known;
      const verdict = verifyPure({ key, message, signature });
      verdicts.set(id, verdict);
      return verdict;
    },
  };
}
