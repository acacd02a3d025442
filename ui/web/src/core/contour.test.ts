// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { contour, free } from './contour';

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
it('a label stands on its line, inside, and free of the others', () => {
  const line = [0, 20, 40, 60, 80].map((x): [number, number, number, number] => [x, 50, x + 20, 50]);
  const inside = { left: 0, right: 100, top: 0, bottom: 100 };
  const size = { width: 18, height: 10 };
  const first = free(line, size, inside, [])!;
  expect(first).toEqual({ left: 41, right: 59, top: 45, bottom: 55 });
  const second = free(line, size, inside, [first])!;
  expect(second.right <= first.left || second.left >= first.right).toBe(true);
  expect(free(line, size, inside, [inside])).toBeNull();
  expect(free(line, { width: 120, height: 10 }, inside, [])).toBeNull();
});
