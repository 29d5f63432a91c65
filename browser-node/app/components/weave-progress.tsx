// Progress as cloth: threads shot through a warp row by row; one progress bar for assistive technology.

const COLUMNS = 40;
const ROWS = 6;
const PITCH = 12;
/** How much of two pitches a thread lies on top. */
const FLOAT = 15;
/** A float reaches this far over its pitch; the next one must not show at the end of a row. */
const OVERHANG = 2;
const WIDTH = COLUMNS * PITCH;
const HEIGHT = ROWS * PITCH;

/** `fraction` from 0 to 1; `text` says in words what the cloth shows. */
export function WeaveProgress({ fraction, text }: { fraction: number; text: string }) {
  const woven = Math.max(0, Math.min(1, fraction)) * ROWS;
  return (
    <svg
      class="weave-progress"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="progressbar"
      aria-label="Publishing"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(fraction * 100)}
      aria-valuetext={text}
    >
      {Array.from({ length: COLUMNS }, (_, column) => (
        <line key={column} class="warp" x1={middle(column)} x2={middle(column)} y1="0" y2={HEIGHT} />
      ))}
      {Array.from({ length: ROWS }, (_, row) => shoot(row, woven - row))}
    </svg>
  );
}

/** A row of the weft, drawn from the side the shuttle comes from; `part` of it is there. */
function shoot(row: number, part: number) {
  // Whole floats only: half of one would be a speck.
  const length = Math.round((Math.max(0, Math.min(1, part)) * COLUMNS) / 2) * 2 * PITCH - OVERHANG;
  if (length < 0) return null;
  const fromRight = row % 2 === 1;
  return (
    <line
      key={`row ${row}`}
      class="weft"
      x1={fromRight ? WIDTH : 0}
      x2={fromRight ? WIDTH - length : length}
      y1={middle(row)}
      y2={middle(row)}
      stroke-dasharray={`${FLOAT} ${2 * PITCH - FLOAT}`}
      stroke-dashoffset={FLOAT / 2 - PITCH / 2}
    />
  );
}

function middle(at: number): number {
  return (at + 0.5) * PITCH;
}
