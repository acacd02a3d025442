// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Detail } from './api';
import { readColumns, writeColumns } from './columns';
import { front, health } from './health';
import { askable, inOrder, lanes } from './tables';
import { Trials } from './trials';

function spaceOf(values: number[], xs: number[], [min, max] = [0, 1]) {
  const trials = new Trials();
  const n = values.length;
  trials.merge(
    readColumns(
      writeColumns({ rows: n, seq: 1, full: true }, [
        { name: 'number', type: 'f64', data: Float64Array.from(values, (_, i) => i) },
        { name: 'value', type: 'f64', data: Float64Array.from(values) },
        { name: 'state', type: 'u8', data: new Uint8Array(n), dictionary: ['complete'] },
        { name: 'params.x', type: 'f64', data: Float64Array.from(xs) },
      ]),
    ),
  );
  const detail = {
    name: 'e',
    objectives: [{ metric: 'loss', goal: 'minimize' }],
    params: [{ name: 'x', kind: 'uniform', min, max, log: false, values: [] }],
  } as unknown as Detail;
  return { trials, detail };
}
const forty = Array.from({ length: 40 }, (_, i) => i / 39);

describe('the health of a space', () => {
  it('says that the best stand against an edge', () => {
    const { trials, detail } = spaceOf(
      forty.map((x) => 1 - x),
      forty.map((x) => 2 * x),
      [0, 2],
    );
    expect(health(trials, detail, null)).toMatchObject([
      { param: 'x', kind: 'edge', command: 'tune set e params.x.max=3' },
    ]);
  });
  it('wants no share beyond 1, and nothing below 0 that is not negative', () => {
    const high = spaceOf(
      forty.map((x) => 1 - x),
      forty,
    );
    expect(health(high.trials, high.detail, null)).toMatchObject([{ kind: 'edge', command: '' }]);
    const half = spaceOf(
      forty.map((x) => 1 - x),
      forty.map((x) => x / 2),
      [0, 0.5],
    );
    expect(health(half.trials, half.detail, null)).toMatchObject([{ command: 'tune set e params.x.max=1' }]);
    const low = spaceOf(
      forty,
      forty.map((x) => 0.001 + x),
      [0.001, 1.001],
    );
    const [found] = health(low.trials, low.detail, null);
    expect(found).toMatchObject({ kind: 'edge', command: '' });
    expect(found.text).toContain('logarithmic');
  });
  it('says nothing of a space that is right', () => {
    const { trials, detail } = spaceOf(
      forty.map((x) => (x - 0.5) ** 2),
      forty,
    );
    expect(health(trials, detail, null)).toEqual([]);
  });
  it('finds what was never tried', () => {
    const xs = forty.map((x) => (x < 0.5 ? x / 2 : 0.7 + x * 0.3));
    const { trials, detail } = spaceOf(
      xs.map((x) => (x - 0.2) ** 2),
      xs,
    );
    expect(health(trials, detail, null)).toMatchObject([{ kind: 'gap' }]);
  });
  it('is silent about few trials', () => {
    const { trials, detail } = spaceOf([1, 2, 3], [0.9, 0.95, 1]);
    expect(health(trials, detail, null)).toEqual([]);
  });
});

describe('the front', () => {
  it('is what nothing beats in both', () =>
    expect(
      front(
        [
          [1, 2, 3, 2, NaN],
          [3, 2, 1, 3, 0],
        ],
        ['minimize', 'minimize'],
        [0, 1, 2, 3, 4],
      ),
    ).toEqual([0, 1, 2]));
  it('turns round what is maximized', () =>
    expect(
      front(
        [
          [1, 2, 3],
          [1, 2, 3],
        ],
        ['maximize', 'minimize'],
        [0, 1, 2],
      ).sort(),
    ).toEqual([0, 1, 2]));
  it('goes on with three', () =>
    expect(
      front(
        [
          [1, 1],
          [1, 1],
          [1, 2],
        ],
        ['minimize', 'minimize', 'minimize'],
        [0, 1],
      ),
    ).toEqual([0]));
});

it('a lane is taken again when its trial has left', () => {
  const row = (number: number, started_at: number | null, ended_at: number | null) => ({
    number,
    attempt: 1,
    worker: 0,
    launched_at: (started_at ?? ended_at ?? 2) - 0.5,
    started_at,
    ended_at,
    cause: null,
  });
  const { spans, lanes: all } = lanes([row(0, 0, 2), row(1, 1, 3), row(2, 2, null), row(3, null, null)], 9);
  expect(spans.map((s) => s.lane)).toEqual([0, 1, 0]); // The last one waits for a slot and has none yet.
  expect(all).toHaveLength(2);
});

describe('a gap', () => {
  const counted = (xs: number[], [min, max]: [number, number], more = {}) => {
    const many = forty.map((_, i) => xs[i % xs.length]);
    const { trials, detail } = spaceOf(
      many.map((x) => (x - (min + max) / 2) ** 2),
      many,
      [min, max],
    );
    Object.assign(detail.params[0], { kind: 'int' });
    return health(trials, { ...detail, ...more }, null)
      .filter((f) => f.kind === 'gap')
      .map((f) => f.text);
  };
  it('is none between two whole numbers that follow each other', () =>
    expect(counted([1, 2, 3, 4], [1, 4])).toEqual([]));
  it('names the whole numbers that were not tried, the ends too', () => {
    expect(counted([1, 2, 4], [1, 4])).toEqual(['3 was never tried.']);
    expect(counted([1, 2, 3], [1, 4])).toEqual(['4 was never tried.']);
    expect(counted([1, 2, 9, 10], [1, 10])).toEqual(['Nothing was tried from 3 to 8.']);
  });
  it('knows the step of a parameter', () => {
    const config = { params: { x: { step: 16 } } };
    expect(counted([16, 32, 48], [16, 60], { config })).toEqual([]);
    expect(counted([16, 48], [16, 60], { config })).toEqual(['32 was never tried.']);
  });
});

it('an agent is asked for what its state leaves to ask; this machine for nothing', () => {
  expect(askable({ worker: 0, agent: null, state: 'ready' })).toEqual([]);
  expect(askable({ worker: 1, agent: 'ab', state: 'ready' })).toEqual(['cordon', 'drain']);
  expect(askable({ worker: 1, agent: 'ab', state: 'cordoned' })).toEqual(['uncordon', 'drain']);
  expect(askable({ worker: 1, agent: 'ab', state: 'draining' })).toEqual([]);
});

it('allocations that are not over come first, then the newest', () => {
  const states = ['ended', 'queued', 'running', 'failed'];
  const shown = inOrder(states.map((state, i) => ({ allocation: i + 1, state })));
  expect(shown.map((a) => a.allocation)).toEqual([3, 2, 4, 1]);
});
