// SPDX-License-Identifier: Apache-2.0
// What a hundred thousand lines between two axes look like, without drawing one of them.

/** So many lines or points are drawn one by one; more take longer than a hand that brushes waits. */
export const exactMost = 5000;
export const bins = 48;
export const side = bins + 2; // and the two rails

const binOf = (place: number) => (place >= 0 ? Math.min(bins - 1, Math.floor(place * bins)) : bins - 1 - place);
/** The place of a bin's middle. */
export const placeOf = (bin: number) => (bin < bins ? (bin + 0.5) / bins : bins - 1 - bin);

/** How many of the masked rows go from each bin of `from` to each of `to`: [bin * side + bin]. */
export function countPairs(from: Float32Array, to: Float32Array, mask: Uint8Array): Uint32Array {
  const cells = new Uint32Array(side * side);
  for (let row = 0; row < mask.length; ++row) if (mask[row]) ++cells[binOf(from[row]) * side + binOf(to[row])];
  return cells;
}

/** A layer of paint for each pair of bins that has rows: the more, the more opaque. */
export function layers(cells: Uint32Array): { from: number; to: number; opacity: number }[] {
  const most = cells.reduce((a, b) => Math.max(a, b), 1);
  const found: { from: number; to: number; opacity: number }[] = [];
  cells.forEach(
    (n, cell) => n && found.push({ from: Math.floor(cell / side), to: cell % side, opacity: 0.02 + (0.04 * n) / most }),
  );
  return found;
}

/** An image in which ink adds up, as thin layers of paint do. */
export interface Ink {
  width: number;
  height: number;
  depth: Float32Array; // by row, then column; a layer of opacity a is about a deep
}

/**
 * Adds a band for each pair of bins, `thick` high, from its height at column x0 to that at column x1 (pixels): the more
 * rows go there the deeper. Costs columns times pairs, and nothing for rows.
 */
export function addBands(
  ink: Ink,
  cells: Uint32Array,
  [x0, x1]: [number, number],
  [y0, y1]: [number[], number[]],
  thick: number,
) {
  const all = layers(cells);
  const begins = Float32Array.from(all, (one) => y0[one.from] - thick / 2);
  const ends = Float32Array.from(all, (one) => y1[one.to] - thick / 2);
  const opacity = Float32Array.from(all, (one) => one.opacity);
  const { width, height, depth } = ink;
  const change = new Float32Array(height + 1); // of the depth from the row above
  const clamp = (y: number) => (y < 0 ? 0 : y > height ? height : Math.round(y));
  for (let x = Math.max(0, Math.ceil(x0)); x < Math.min(width, x1); ++x) {
    const t = (x - x0) / (x1 - x0);
    change.fill(0);
    for (let k = 0; k < all.length; ++k) {
      const y = begins[k] + t * (ends[k] - begins[k]);
      change[clamp(y)] += opacity[k];
      change[clamp(y + thick)] -= opacity[k];
    }
    let sum = 0;
    for (let y = 0; y < height; ++y) depth[y * width + x] += sum += change[y];
  }
}

/** The ink in one colour (red, green, blue), on nothing. */
export function develop(ink: Ink, rgb: ArrayLike<number>, into: Uint8ClampedArray) {
  for (let k = 0; k < ink.depth.length; ++k) {
    if (ink.depth[k] < 1e-4) continue; // Sums of what was added and taken away again are not quite zero.
    into[4 * k] = rgb[0];
    into[4 * k + 1] = rgb[1];
    into[4 * k + 2] = rgb[2];
    into[4 * k + 3] = 255 * (1 - Math.exp(-ink.depth[k]));
  }
}
