// The mark: three threads over and under three others.

const SIZE = 32;
const THREADS = [0, 1, 2] as const;
const BAND = 6;
const PITCH = 10;
/** Light between a thread and the one that covers it. */
const GAP = 1.25;

/** Ends shorter than this would only be specks. */
const STUB = 2;

type Bar = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

export function WeaveMark({ label }: { label?: string }) {
  return (
    <svg
      class="weave-mark"
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      aria-hidden={label === undefined}
      role="img"
      aria-label={label}
    >
      {THREADS.flatMap((thread) => cutThread(thread, (at) => (at + thread) % 2 === 1)).map(
        ({ x, y, width, height }) => (
          <rect key={`warp ${x} ${y}`} class="warp" x={x} y={y} width={width} height={height} rx="1" />
        ),
      )}
      {THREADS.flatMap((thread) => cutThread(thread, (at) => (at + thread) % 2 === 0)).map(
        ({ x, y, width, height }) => (
          <rect key={`weft ${x} ${y}`} class="weft" x={y} y={x} width={height} height={width} rx="1" />
        ),
      )}
    </svg>
  );
}

/** The visible pieces of a vertical thread that goes under at the crossings `isUnder` names. */
function cutThread(thread: number, isUnder: (at: number) => boolean): Bar[] {
  const bars: Bar[] = [];
  let from = 0;
  const add = (to: number): void => {
    if (to - from > STUB) bars.push({ x: place(thread), y: from, width: BAND, height: to - from });
  };
  for (const at of THREADS) {
    if (!isUnder(at)) continue;
    add(place(at) - GAP);
    from = place(at) + BAND + GAP;
  }
  add(SIZE);
  return bars;
}

function place(thread: number): number {
  return 3 + thread * PITCH;
}
