// What every link keeps (shared/platform/ports.ts, Link): order, sizes, backpressure, and one end that both sides hear of.

import type { Link } from '../../shared/platform/ports.ts';
import { FRAME_BYTES_MAX } from '../../shared/core/limits.ts';
import { expectSame, patternBytes, type ContractCase } from './contract.ts';

export type LinkFixture = {
  /** The two ends of one open link. */
  open(): Promise<readonly [Link, Link]>;
  /** Largest frame, FRAME_BYTES_MAX unless what carries the link needs some of it. */
  readonly frameBytesMax?: number;
  /** False where the wire takes everything at once, so that nothing is ever seen waiting. */
  readonly buffers?: boolean;
};

type Heard = { readonly frames: Uint8Array[]; readonly ends: string[]; drained: number; bytes: number };

const WAIT = 20_000;
const PAUSE = 5;
/** What a writer keeps in a link at most, as rooms do. */
const KEPT_BYTES: number = 256 * 1024;

function hear(link: Link): Heard {
  const heard: Heard = { frames: [], ends: [], drained: 0, bytes: 0 };
  link.listen({
    frame: (bytes) => {
      // A copy: a frame may be a view of a larger buffer.
      heard.frames.push(bytes.slice());
      heard.bytes += bytes.length;
    },
    closed: (because) => void heard.ends.push(because),
    drained: () => void heard.drained++,
  });
  return heard;
}

async function until(done: () => boolean, what: string): Promise<void> {
  const started = performance.now();
  while (!done()) {
    if (performance.now() - started > WAIT) throw new Error(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

const maxOf = ({ frameBytesMax }: LinkFixture): number => frameBytesMax ?? FRAME_BYTES_MAX;

export const LINK_CONTRACT: readonly ContractCase<LinkFixture>[] = [
  {
    name: 'frames of all sizes arrive whole and in order, both ways at once',
    async check(fixture) {
      const [one, other] = await fixture.open();
      const [atOne, atOther] = [hear(one), hear(other)];
      const sizes = [1, 2, 255, 256, 1_000, 16_384, 40_000, maxOf(fixture)];
      const sent = Array.from({ length: 40 }, (_, i) => patternBytes(i, sizes[i % sizes.length]!));
      for (const frame of sent) {
        one.send(frame);
        other.send(frame);
      }
      for (const heard of [atOne, atOther]) {
        await until(() => heard.frames.length >= sent.length, 'all frames arrive');
        for (const [i, frame] of heard.frames.entries()) expectSame(frame, sent[i], `frame ${i}`);
      }
      one.close();
    },
  },
  {
    name: 'a frame is its sender’s again as soon as it was sent',
    async check({ open }) {
      const [one, other] = await open();
      const heard = hear(other);
      hear(one);
      const frame = patternBytes(1, 300);
      // A view of a larger buffer, which is written over at once.
      const large = new Uint8Array(1_000);
      large.set(frame, 100);
      one.send(large.subarray(100, 400));
      large.fill(0);
      await until(() => heard.frames.length === 1, 'it arrives');
      expectSame(heard.frames[0], frame, 'the frame');
      expectSame(large.byteLength, 1_000, 'the buffer of the sender');
      one.close();
    },
  },
  {
    name: 'what comes before somebody listens waits',
    async check({ open }) {
      const [one, other] = await open();
      hear(one);
      for (let i = 0; i < 10; i++) one.send(Uint8Array.of(i, 7));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const heard = hear(other);
      await until(() => heard.frames.length === 10, 'they arrive');
      expectSame(
        heard.frames.map((frame) => frame[0]),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        'their order',
      );
      one.close();
    },
  },
  {
    name: 'buffered() grows while the wire is busy, and falls to zero',
    async check(fixture) {
      const [one, other] = await fixture.open();
      const [own, heard] = [hear(one), hear(other)];
      const frame = patternBytes(2, maxOf(fixture));
      let most = 0;
      for (let i = 0; i < 32; i++) {
        one.send(frame);
        most = Math.max(most, one.buffered());
      }
      if (fixture.buffers !== false && most === 0) throw new Error('nothing was ever buffered');
      await until(() => heard.frames.length === 32, 'all frames arrive');
      await until(() => one.buffered() === 0, 'nothing waits any more');
      expectSame(own.ends, [], 'ends');
      one.close();
    },
  },
  {
    name: 'a writer that minds buffered() loses nothing of 8 MiB',
    async check(fixture) {
      const [one, other] = await fixture.open();
      const heard = hear(other);
      hear(one);
      const size = maxOf(fixture);
      const count = Math.ceil((8 * 1024 * 1024) / size);
      let most = 0;
      for (let i = 0; i < count; i++) {
        await until(() => one.buffered() < KEPT_BYTES, 'there is room again');
        one.send(patternBytes(i, size));
        most = Math.max(most, one.buffered());
      }
      await until(() => heard.bytes === count * size, 'everything arrives');
      for (const [i, frame] of heard.frames.entries()) {
        if (i % 16 === 0) expectSame(frame, patternBytes(i, size), `frame ${i}`);
      }
      if (most > KEPT_BYTES + 2 * size) throw new Error(`${most} bytes were buffered`);
      one.close();
    },
  },
  ...(['this', 'the other'] as const).map((side) => ({
    name: `after ${side} side closed, both hear it once, and nothing arrives any more`,
    async check({ open }: LinkFixture) {
      const ends = await open();
      const [one, other] = ends;
      const heard = [hear(one), hear(other)];
      one.send(Uint8Array.of(1));
      await until(() => heard[1]!.frames.length === 1, 'the first frame arrives');
      const closer = side === 'this' ? one : other;
      closer.close();
      await until(() => heard.every(({ ends: said }) => said.length > 0), 'both hear of the end');
      const counts = heard.map(({ frames }) => frames.length);
      for (const end of ends) {
        end.send(Uint8Array.of(9));
        end.close();
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      expectSame(
        heard.map(({ ends: said }) => said.length),
        [1, 1],
        'ends heard',
      );
      expectSame(
        heard.map(({ frames }) => frames.length),
        counts,
        'frames',
      );
    },
  })),
  {
    name: 'who listens after the end hears of it',
    async check({ open }) {
      const [one, other] = await open();
      const heard = hear(one);
      one.close();
      await until(() => heard.ends.length === 1, 'the end');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const late = hear(other);
      await until(() => late.ends.length === 1, 'the late listener hears of it');
    },
  },
];
