// SPDX-License-Identifier: Apache-2.0
import { view, type Row } from './tables';
import type { Trials } from './trials';

/** An attempt that ran; `end` is Infinity while it does. */
export interface Work {
  begin: number;
  end: number;
}

/** How many seconds attempts had run by each of `times`, all of them together. Times ascend. O((attempts + times) log). */
export function worked(attempts: Work[], times: number[]): number[] {
  const begins = attempts.map((a) => a.begin).sort((a, b) => a - b);
  const ends = attempts.map((a) => a.end).sort((a, b) => a - b);
  const zero = begins[0] ?? 0; // Sums of times since 1970 would round.
  let [b, e, began, ended] = [0, 0, 0, 0];
  return times.map((time) => {
    for (; b < begins.length && begins[b] <= time; ++b) began += begins[b] - zero;
    for (; e < ends.length && ends[e] <= time; ++e) ended += ends[e] - zero;
    const t = time - zero;
    return Math.max(0, b * t - began - (e * t - ended));
  });
}

/** The attempts of trials that had one each, from their columns; null where a trial had several. */
export function singles(t: Trials): Work[] | null {
  const work: Work[] = [];
  for (let row = 0; row < t.count; ++row) {
    if (t.number(t.find('attempt'), row) > 1) return null;
    const ran = t.number(t.find('ran_seconds'), row);
    let begin = t.number(t.find('launched_at'), row);
    if (Number.isNaN(begin)) begin = t.number(t.find('ended_at'), row) - ran; // A launch at 0, of a clock that began there.
    if (Number.isNaN(begin)) continue;
    work.push({ begin, end: Number.isNaN(ran) ? Infinity : begin + ran });
  }
  return work;
}

export function ofAttempts(rows: Row[]): Work[] {
  return rows.map((a) => {
    const begin = Number(a.launched_at);
    const end = a.seconds !== null ? begin + Number(a.seconds) : a.ended_at === null ? Infinity : Number(a.ended_at);
    return { begin, end };
  });
}

/** All attempts of an experiment, asked for one by one only where its trials do not tell. */
export async function attemptsOf(name: string, trials: Trials, signal?: AbortSignal): Promise<Work[]> {
  return singles(trials) ?? ofAttempts(await view(name, 'attempts', signal));
}
