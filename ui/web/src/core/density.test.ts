// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { addBands, bins, countPairs, develop, side } from '../charts/density';

const ink = () => ({ width: 10, height: 100, depth: new Float32Array(1000) });
const heights = Array.from({ length: side }, (_, bin) => bin * 2);

describe('density between two axes', () => {
  it('counts masked rows by their bins, rails included', () => {
    const from = Float32Array.from([0, 0, 0.999, -1, -2, 1]);
    const to = Float32Array.from([1, 1, 0, -2, 0.5, 0]);
    const cells = countPairs(from, to, Uint8Array.from([1, 1, 1, 1, 1, 0]));
    expect(cells[bins - 1]).toBe(2);
    expect(cells[(bins - 1) * side]).toBe(1);
    expect(cells[bins * side + bins + 1]).toBe(1);
    expect(cells[(bins + 1) * side + bins / 2]).toBe(1);
    expect(cells.reduce((a, b) => a + b)).toBe(5);
  });
  it('draws a band from the height on one axis to that on the other', () => {
    const cells = new Uint32Array(side * side);
    cells[10 * side + 30] = 5; // From 20 to 60.
    const drawn = ink();
    addBands(drawn, cells, [0, 10], [heights, heights], 2);
    const inked = (x: number) =>
      Array.from({ length: 100 }, (_, y) => y).filter((y) => drawn.depth[y * 10 + x] > 0.001);
    expect(inked(0)).toEqual([19, 20]);
    expect(inked(5)).toEqual([39, 40]);
  });
  it('is deeper where more rows go, and never more than opaque', () => {
    const cells = new Uint32Array(side * side);
    cells[10 * side + 10] = 1;
    cells[20 * side + 20] = 100;
    const drawn = ink();
    for (let i = 0; i < 200; ++i) addBands(drawn, cells, [0, 10], [heights, heights], 2);
    const into = new Uint8ClampedArray(4000);
    develop(drawn, [1, 2, 3], into);
    const alpha = (y: number) => into[4 * (y * 10 + 3) + 3];
    expect(alpha(40)).toBe(255);
    expect(alpha(20)).toBeLessThan(255);
    expect(alpha(20)).toBeGreaterThan(200);
    expect([...into.slice(4 * 400, 4 * 400 + 3)]).toEqual([1, 2, 3]);
    expect(alpha(60)).toBe(0);
  });
});
