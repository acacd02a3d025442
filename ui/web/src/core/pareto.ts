// SPDX-License-Identifier: Apache-2.0
// Two objectives at once. All costs here are such that less is better.

/** Up to where volumes are measured, as `tune best` does: a tenth beyond the worst of all that counts. */
export function referenceOf(costs: ArrayLike<number>): number {
  let worst = -Infinity;
  for (let i = 0; i < costs.length; ++i) if (Number.isFinite(costs[i])) worst = Math.max(worst, costs[i]);
  return worst === 0 || worst === -Infinity ? 1e-12 : Math.max(1.1 * worst, 0.9 * worst);
}

/**
 * The area that the first, the first two, … points dominate up to the reference. Points that are not finite or not better
 * than the reference add nothing. O(n f), f the size of the front.
 */
export function hypervolumes(points: [number, number][], reference: [number, number]): number[] {
  const front: [number, number][] = []; // ascending in the first, descending in the second
  let area = 0;
  return points.map(([x, y]) => {
    if (!(x < reference[0] && y < reference[1]) || !Number.isFinite(x) || !Number.isFinite(y)) return area;
    let i = front.findIndex((p) => p[0] > x);
    if (i < 0) i = front.length;
    if (i > 0 && front[i - 1][1] <= y) return area;
    if (i > 0 && front[i - 1][0] === x) --i; // the same in the first and worse in the second
    // Strips to the right, each below the roof that was there; those wholly covered leave the front.
    let roof = i > 0 ? front[i - 1][1] : reference[1];
    let from = x;
    let end = i;
    for (; end < front.length && front[end][1] >= y; ++end) {
      area += (front[end][0] - from) * (roof - y);
      [from, roof] = front[end];
    }
    area += ((front[end]?.[0] ?? reference[0]) - from) * (roof - y);
    front.splice(i, end - i, [x, y]);
    return area;
  });
}
