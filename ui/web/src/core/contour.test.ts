// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { contour } from './contour';

it('a slope is crossed once, where it has the level', () => {
  expect(contour([0, 1], [0, 1], [0, 0, 4, 4], 1)).toEqual([[0.25, 0, 0.25, 1]]);
});
it('a plain is crossed nowhere, and neither is what is not known', () => {
  expect(contour([0, 1], [0, 1], [1, 1, 1, 1], 2)).toEqual([]);
  expect(contour([0], [0, 1], [0, 4], 2)).toEqual([]);
});
it('a peak is gone round', () => {
  const around = contour([0, 1, 2], [0, 1, 2], [0, 0, 0, 0, 1, 0, 0, 0, 0], 0.5);
  expect(around).toHaveLength(4);
  for (const [a, b, c, d] of around)
    for (const v of [Math.hypot(a - 1, b - 1), Math.hypot(c - 1, d - 1)]) expect(v).toBe(0.5);
});
it('a saddle is two pieces that keep its middle on one side', () => {
  const high = contour([0, 1], [0, 1], [1, 0, 0, 1], 0.4); // The middle is above: the low corners are cut off.
  expect(high).toHaveLength(2);
  for (const [a, b, c, d] of high) expect(Math.abs((a + c) / 2 - (b + d) / 2)).toBeGreaterThan(0.5);
});
