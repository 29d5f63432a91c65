// Draws the cloth of the example: rows of weft over and under the warp, by the rule of the weave that was picked.

const canvas = document.getElementById('cloth');
const pen = canvas.getContext('2d');
const PITCH = 15;
const BAND = 12;
const COLUMNS = canvas.width / PITCH;
const ROWS = canvas.height / PITCH;
const ROWS_PER_FRAME = 1;
const WARP = '#f4efe2';
const SHADE = 'rgb(30 26 20 / 30%)';
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Whether the weft lies on top where `column` meets `row`. */
const RULES = {
  plain: (column, row) => (column + row) % 2 === 0,
  twill: (column, row) => (column + row) % 4 < 2,
  herringbone: (column, row) => (fold(column, 10) + row) % 4 < 2,
  diamond: (column, row) => (fold(column, 10) + fold(row, 10)) % 4 < 2,
};

/** 0 1 2 … size … 2 1 0, again and again: a mirror at every turn. */
function fold(at, size) {
  const place = at % (2 * size);
  return place < size ? place : 2 * size - place;
}

let run = 0;

function weave() {
  const rule = RULES[document.querySelector('[name=weave]:checked').value];
  const dye = document.querySelector('[name=dye]:checked').value;
  document.documentElement.style.setProperty('--dye', dye);
  const mine = ++run;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  for (let column = 0; column < COLUMNS; column++) stripe([column * PITCH, 0, BAND, canvas.height], WARP);
  let row = 0;
  function shoot() {
    if (mine !== run) return;
    const last = still ? ROWS : Math.min(ROWS, row + ROWS_PER_FRAME);
    for (; row < last; row++) shootRow(row, rule, dye);
    if (row < ROWS) requestAnimationFrame(shoot);
  }
  shoot();
}

function shootRow(row, rule, dye) {
  for (let column = 0; column < COLUMNS; column++) {
    const [x, y] = [column * PITCH, row * PITCH];
    if (rule(column, row)) {
      stripe([x - (PITCH - BAND) / 2, y, PITCH, BAND], dye);
    } else {
      stripe([x - (PITCH - BAND), y, PITCH - BAND, BAND], dye);
      pen.fillStyle = SHADE;
      pen.fillRect(x - (PITCH - BAND), y, PITCH - BAND, BAND);
    }
  }
}

function stripe([x, y, width, height], colour) {
  pen.fillStyle = colour;
  pen.fillRect(x, y, width, height);
  pen.fillStyle = 'rgb(255 255 255 / 12%)';
  if (width > height) pen.fillRect(x, y, width, 3);
  else pen.fillRect(x, y, 3, height);
}

document.addEventListener('change', weave);
weave();
