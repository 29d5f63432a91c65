// Members' whole nodes in this process, over a relay in it, with the clock and the cryptography of the host.

import { createDeviceCertificate } from '../shared/crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../shared/crypto/ids.ts';
import { createChangeReader } from '../shared/documents/change-reader.ts';
import { GroupDocuments } from '../shared/documents/group-documents.ts';
import { Groups } from '../shared/node/groups.ts';
import type { Link } from '../shared/platform/ports.ts';
import { createSeedSigner } from '../shared/platform/web/seed-signer.ts';
import { createWebAgreement } from '../shared/platform/web/web-agreement.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import { createWebCompressor } from '../shared/platform/web/web-compressor.ts';
import { createWebRandom, createWebVerifier } from '../shared/platform/web/web-crypto.ts';
import { RelayRoom } from '../shared/session/relay-room.ts';
import type { RoomId } from '../shared/session/room.ts';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import { silentLog as log } from '../test/simulator/silent-log.ts';
import { createChannelRoom, type ChannelRoom } from './channel-room.ts';

/** `shape`: what a member's link does to what passes it. */
export function createMemberNetwork() {
  const clock = createWebClock();
  const random = createWebRandom();
  const rooms = new Map<RoomId, ChannelRoom>();
  let bytes = 0;
  let open = true;
  const connect = async (id: RoomId, shape: (link: Link) => Link): Promise<Link> => {
    const room = rooms.get(id) ?? createChannelRoom({ clock, random });
    rooms.set(id, room);
    if (!open) throw new Error('nobody answers');
    const link = room.connect();
    const send = (frame: Uint8Array): void => {
      bytes += frame.length;
      link.send(frame);
    };
    return shape({ ...link, send });
  };
  return {
    get bytes() {
      return bytes;
    },
    setOpen(now: boolean) {
      open = now;
      if (!now) for (const room of rooms.values()) room.cutAll();
    },
    async startMember(name: string, shape: (link: Link) => Link = (link) => link): Promise<Groups> {
      const owner = createSeedSigner(random.bytes(32));
      const signer = createSeedSigner(random.bytes(32));
      const validator = createSeedSigner(random.bytes(32));
      const identity = identityFromKey(publicKeyBytes(owner.key));
      const certificate = await createDeviceCertificate({ signer: owner, device: signer.key, name, issued: 1 });
      return await Groups.open({
        clock,
        random,
        verifier: await createWebVerifier(),
        log,
        store: createMemoryDisk().openStore(),
        self: { identity, certificate, signer },
        agreement: await createWebAgreement(),
        sealingKey: random.bytes(32),
        sealingSeed: () => Promise.resolve(null),
        createValidator: () => Promise.resolve(validator),
        openValidator: (key) => Promise.resolve(key === validator.key ? validator : null),
        eraseValidator: () => Promise.resolve(),
        createSigner: createSeedSigner,
        connector: null,
        blocks: null,
        openRoom: ({ roomOf, services }) =>
          new RelayRoom({ connect: () => connect(roomOf(0), shape), clock, random, services, log }),
        openDocuments: (store) => GroupDocuments.open({ store, log, random, identity, device: signer.key }),
        readChanges: createChangeReader(),
        compressor: createWebCompressor(),
        onChange: () => undefined,
        onSignal: () => undefined,
      });
    },
  };
}
