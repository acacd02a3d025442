// SPDX-License-Identifier: Apache-2.0

export type Segment = [x0: number, y0: number, x1: number, y1: number];

/**
 * Where a grid of values crosses a level, as straight pieces: marching squares, with a saddle decided by its middle.
 * `values[i * ys.length + j]` lies at `xs[i]`, `ys[j]`.
 */
export function contour(xs: number[], ys: number[], values: number[], level: number): Segment[] {
  const found: Segment[] = [];
  const at = (i: number, j: number) => values[i * ys.length + j];
  for (let i = 0; i + 1 < xs.length; ++i)
    for (let j = 0; j + 1 < ys.length; ++j) {
      const corners = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
      const places = [
        [xs[i], ys[j]],
        [xs[i + 1], ys[j]],
        [xs[i + 1], ys[j + 1]],
        [xs[i], ys[j + 1]],
      ];
      const crossings: [number, number][] = [];
      for (let k = 0; k < 4; ++k) {
        const [a, b] = [corners[k], corners[(k + 1) % 4]];
        if (a >= level === b >= level) continue;
        const share = (level - a) / (b - a);
        const [p, q] = [places[k], places[(k + 1) % 4]];
        crossings.push([p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])]);
      }
      const join = (p: number, q: number) => found.push([...crossings[p], ...crossings[q]] as Segment);
      if (crossings.length === 2) join(0, 1);
      else if (crossings.length === 4) {
        const middle = corners.reduce((sum, v) => sum + v / 4, 0);
        if (middle >= level === corners[0] >= level) (join(0, 1), join(2, 3));
        else (join(3, 0), join(1, 2));
      }
    }
  return found;
}

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/**
 * Where on a line a label of this size is free of those that are `taken` and stays inside: from the middle of the line outwards. null: nowhere.
 */
export function free(line: Segment[], size: { width: number; height: number }, inside: Box, taken: Box[]): Box | null {
  const middle = Math.floor(line.length / 2);
  const outwards = line.map((_, k) => k).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
  for (const k of outwards) {
    const [x, y] = [(line[k][0] + line[k][2]) / 2, (line[k][1] + line[k][3]) / 2];
    const [w, h] = [size.width / 2, size.height / 2];
    const box = { left: x - w, right: x + w, top: y - h, bottom: y + h };
    if (box.left < inside.left || box.right > inside.right || box.top < inside.top || box.bottom > inside.bottom)
      continue;
    const meets = (b: Box) => box.left < b.right && b.left < box.right && box.top < b.bottom && b.top < box.bottom;
    if (!taken.some(meets)) return box;
  }
  return null;
}
