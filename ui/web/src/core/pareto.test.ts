// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { hypervolumes, referenceOf } from './pareto';

describe('hypervolume', () => {
  it('grows by what each point adds', () => {
    expect(
      hypervolumes(
        [
          [2, 2],
          [1, 3],
          [3, 1],
          [1, 1],
        ],
        [4, 4],
      ),
    ).toEqual([4, 5, 6, 9]);
  });
  it('is not moved by what is dominated, repeated, not a number or beyond the reference', () => {
    expect(
      hypervolumes(
        [
          [1, 1],
          [1, 1],
          [1, 2],
          [2, 1],
          [NaN, 0],
          [5, 0],
          [0, -Infinity],
        ],
        [3, 3],
      ),
    ).toEqual(Array(7).fill(4));
  });
  it('counts a point once that covers several', () => {
    expect(
      hypervolumes(
        [
          [3, 1],
          [2, 2],
          [1, 3],
          [0, 0],
        ],
        [4, 4],
      ).at(-1),
    ).toBe(16);
  });
  it('takes a point that is better in the second only', () => {
    expect(
      hypervolumes(
        [
          [1, 3],
          [1, 2],
        ],
        [4, 4],
      ),
    ).toEqual([3, 6]);
  });
  it('agrees with counting cells', () => {
    let seed = 7;
    const random = () => (seed = (seed * 48271) % 2147483647) % 20;
    const points = Array.from({ length: 60 }, (): [number, number] => [random(), random()]);
    const found = hypervolumes(points, [20, 20]);
    points.forEach((_, n) => {
      let cells = 0;
      for (let x = 0; x < 20; ++x)
        for (let y = 0; y < 20; ++y) if (points.slice(0, n + 1).some((p) => p[0] <= x && p[1] <= y)) ++cells;
      expect(found[n]).toBe(cells);
    });
  });
  it('is measured up to a tenth beyond the worst', () => {
    expect(referenceOf([1, 10, Infinity])).toBeCloseTo(11);
    expect(referenceOf([-10, -20])).toBeCloseTo(-9);
    expect(referenceOf([0, NaN])).toBe(1e-12);
  });
});
