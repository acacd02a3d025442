// SPDX-License-Identifier: Apache-2.0
import { at, getColumns } from './api';
import type { Trials } from './trials';

export interface TrialCurve {
  trial: number;
  step: Float64Array;
  at: Float64Array;
  value: Float64Array;
}

/** Between which values, point by point. */
export interface Band {
  step: ArrayLike<number>;
  at: ArrayLike<number>;
  low: ArrayLike<number>;
  high: ArrayLike<number>;
}

export interface Which {
  trials?: number[];
  top?: number; // the best
}

/** Curves of some trials, thinned by the server to `points` each. */
export async function curves(
  experiment: string,
  metric: string,
  which: Which,
  points = 200,
  signal?: AbortSignal,
): Promise<TrialCurve[]> {
  const [trial, found] = await read(experiment, metric, which, { points: String(points) }, ['value'], signal);
  return found.map(({ step, at, of: [value] }, i) => ({ trial: trial[i], step, at, value }));
}

/** The least and the greatest value of each stretch of their curves, in which no spike is lost. */
export async function envelopes(
  experiment: string,
  metric: string,
  which: Which,
  points = 200,
  signal?: AbortSignal,
): Promise<Map<number, Band>> {
  const how = { points: String(points), mode: 'minmax' };
  const [trial, found] = await read(experiment, metric, which, how, ['low', 'high'], signal);
  return new Map(found.map(({ step, at, of: [low, high] }, i) => [trial[i], { step, at, low, high }]));
}

async function read(
  experiment: string,
  metric: string,
  which: Which,
  how: Record<string, string>,
  names: string[],
  signal?: AbortSignal,
) {
  const query = new URLSearchParams({ metric, ...how });
  if (which.trials) query.set('trials', which.trials.join(','));
  else query.set('top', String(which.top ?? 30));
  const answer = await getColumns(`${at(experiment)}/curves?${query}`, signal);
  const column = (name: string) => answer.columns.find((c) => c.name === name)?.data as Float64Array;
  const [trial, step, time, ...values] = ['trial', 'step', 'at', ...names].map(column);
  const trials: number[] = [];
  const found: { step: Float64Array; at: Float64Array; of: Float64Array[] }[] = [];
  for (let begin = 0, end = 0; begin < answer.rows; begin = end) {
    while (end < answer.rows && trial[end] === trial[begin]) ++end;
    const part = (all: Float64Array) => all.subarray(begin, end);
    trials.push(trial[begin]);
    found.push({ step: part(step), at: part(time), of: values.map(part) });
  }
  return [trials, found] as const;
}

/** Rows of trials with the same parameters, where there are several; in the order of their first. */
export function sameSettings(trials: Trials, params: string[]): number[][] {
  const series = params.map((p) => trials.find('params.' + p));
  const groups = new Map<string, number[]>();
  for (let row = 0; row < trials.count; ++row) {
    const key = series.map((s) => (s?.codes ? s.codes[row] : s?.numbers?.[row])).join(' ');
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].filter((g) => g.length > 1);
}

/** The mean of several curves at the steps of the longest, of those that got there; from the least to the greatest of them. */
export function together(all: TrialCurve[]): { curve: TrialCurve; band: Band } {
  const longest = all.reduce((a, b) => (b.step.length > a.step.length ? b : a));
  const value = new Float64Array(longest.step.length);
  const low = new Float64Array(value.length);
  const high = new Float64Array(value.length);
  longest.step.forEach((step, i) => {
    const seen = all.map((c) => between(c, step)).filter(Number.isFinite);
    value[i] = seen.reduce((sum, v) => sum + v, 0) / seen.length; // none: NaN
    low[i] = Math.min(...seen);
    high[i] = Math.max(...seen);
  });
  const { step, at } = longest;
  return { curve: { trial: all[0].trial, step, at, value }, band: { step, at, low, high } };
}

/** On the line between the points around a step; NaN beyond its ends. */
function between(c: TrialCurve, step: number): number {
  const after = c.step.findIndex((s) => s >= step);
  if (after < 0 || (after === 0 && c.step[0] > step)) return NaN;
  if (c.step[after] === step) return c.value[after];
  const share = (step - c.step[after - 1]) / (c.step[after] - c.step[after - 1]);
  return c.value[after - 1] + share * (c.value[after] - c.value[after - 1]);
}

/** What a trial is worth after each of its instances: the mean until then, a standard error on either side. */
export function runningMean(c: TrialCurve): { curve: TrialCurve; band: Band } {
  const value = new Float64Array(c.value.length);
  const low = new Float64Array(value.length);
  const high = new Float64Array(value.length);
  let n = 0;
  let mean = 0;
  let squares = 0; // Welford, Technometrics 4(3), 1962
  c.value.forEach((v, i) => {
    if (Number.isFinite(v)) {
      const off = v - mean;
      mean += off / ++n;
      squares += off * (v - mean);
    }
    const error = n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0;
    value[i] = n ? mean : NaN;
    low[i] = value[i] - error;
    high[i] = value[i] + error;
  });
  const { step, at } = c;
  return { curve: { ...c, value }, band: { step, at, low, high } };
}

/** Exponential moving average, corrected for its start; gaps stay gaps. `weight` 0: as it is. */
export function smooth(values: ArrayLike<number>, weight: number): number[] {
  let sum = 0;
  let norm = 0;
  return Array.from(values, (v) => {
    if (!Number.isFinite(v)) return NaN;
    sum = sum * weight + v * (1 - weight);
    norm = norm * weight + (1 - weight);
    return sum / norm;
  });
}

/** The value at the last step not after `step`; NaN where there is none, or where it lies more than `margin` before it. */
export function valueAt(curve: TrialCurve, step: number, margin = Infinity): number {
  let low = 0;
  let high = curve.step.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.step[middle] <= step) low = middle + 1;
    else high = middle;
  }
  return low && step - curve.step[low - 1] <= margin ? curve.value[low - 1] : NaN;
}
