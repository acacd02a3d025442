// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readColumns, writeColumns } from './columns';
import { ran, Trials } from './trials';
import { ofAttempts, singles, worked } from './work';

const now = 1.7e9;
const trialsOf = (launched: number[], seconds: number[], attempt: number[]) => {
  const trials = new Trials();
  trials.merge(
    readColumns(
      writeColumns({ rows: launched.length, seq: 1, full: true }, [
        { name: 'number', type: 'f64', data: Float64Array.from(launched, (_, i) => i) },
        { name: 'launched_at', type: 'f64', data: Float64Array.from(launched) },
        { name: 'ran_seconds', type: 'f64', data: Float64Array.from(seconds) },
        { name: 'ended_at', type: 'f64', data: Float64Array.from(launched).fill(9) },
        { name: 'attempt', type: 'f64', data: Float64Array.from(attempt) },
      ]),
    ),
  );
  return trials;
};

describe('the running time of an experiment', () => {
  it('adds what attempts ran side by side, and stands still while none does', () => {
    const work = [
      { begin: now, end: now + 10 },
      { begin: now + 5, end: now + 10 },
      { begin: now + 100, end: Infinity },
    ];
    expect(worked(work, [now, now + 5, now + 10, now + 50, now + 103])).toEqual([0, 5, 15, 15, 18]);
    expect(worked([], [now])).toEqual([0]);
  });
  it('comes from the trials where each had one attempt: what waited after it did not run', () => {
    expect(singles(trialsOf([now, now + 1, NaN], [3, NaN, NaN], [1, 1, 0]))).toEqual([
      { begin: now, end: now + 3 },
      { begin: now + 1, end: Infinity },
    ]);
    expect(singles(trialsOf([now, now], [3, 3], [1, 2]))).toBeNull();
    expect(singles(trialsOf([NaN], [9], [1]))).toEqual([{ begin: 0, end: 9 }]);
  });
  it('counts every attempt of a trial that was promoted', () => {
    const rows = [
      { launched_at: now, seconds: 3, ended_at: now + 3 },
      { launched_at: now + 60, seconds: null, ended_at: now + 67 },
      { launched_at: now + 80, seconds: null, ended_at: null },
    ];
    expect(worked(ofAttempts(rows), [now + 50, now + 70, now + 82])).toEqual([3, 10, 12]);
  });
});

it('a trial took what its attempts ran, not the time from its newest launch', () => {
  const attempts = [
    { launched_at: 100, ended_at: 140, seconds: 30 },
    { launched_at: 200, ended_at: 212, seconds: null },
    { launched_at: 300, ended_at: null, seconds: null },
  ];
  expect(ran(attempts, 305)).toBe(47);
});
