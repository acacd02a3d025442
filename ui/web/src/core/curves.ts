// SPDX-License-Identifier: Apache-2.0
import { at, getColumns } from './api';

export interface TrialCurve {
  trial: number;
  step: Float64Array;
  at: Float64Array;
  value: Float64Array;
}

/** Curves of some trials or of the best `top`, thinned by the server to `points` each. */
export async function curves(
  experiment: string,
  metric: string,
  which: { trials?: number[]; top?: number },
  points = 200,
  signal?: AbortSignal,
): Promise<TrialCurve[]> {
  const query = new URLSearchParams({ metric, points: String(points) });
  if (which.trials) query.set('trials', which.trials.join(','));
  else query.set('top', String(which.top ?? 30));
  const answer = await getColumns(`${at(experiment)}/curves?${query}`, signal);
  const column = (name: string) => answer.columns.find((c) => c.name === name)?.data as Float64Array;
  const [trial, step, time, value] = ['trial', 'step', 'at', 'value'].map(column);
  const found: TrialCurve[] = [];
  for (let begin = 0, end = 0; begin < answer.rows; begin = end) {
    while (end < answer.rows && trial[end] === trial[begin]) ++end;
    found.push({
      trial: trial[begin],
      step: step.subarray(begin, end),
      at: time.subarray(begin, end),
      value: value.subarray(begin, end),
    });
  }
  return found;
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
