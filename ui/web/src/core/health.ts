// SPDX-License-Identifier: Apache-2.0
import type { Detail, Importance, Param } from './api';
import { number, shell } from './format';
import { absent, counts, type Trials } from './trials';

export interface Finding {
  param: string;
  kind: 'edge' | 'flat' | 'gap' | 'untried';
  text: string;
  command: string; // that would mend it; empty where nothing need be
}

/**
 * What the trials say about the space: where the best of them stand against an edge, what hardly matters, what was
 * never tried. Heuristics, each with its figure; silent below twenty trials with a value.
 */
export function health(trials: Trials, detail: Detail, importance: Importance | null): Finding[] {
  const value = trials.series.get('value')?.numbers;
  const rows: number[] = [];
  for (let row = 0; row < trials.count; ++row) if (counts(trials, row)) rows.push(row);
  if (!value || rows.length < 20) return [];
  const sign = detail.objectives[0]?.goal === 'maximize' ? -1 : 1;
  rows.sort((a, b) => sign * (value[a] - value[b]));
  const best = rows.slice(0, Math.max(5, Math.ceil(rows.length / 10)));
  return detail.params.flatMap((p) => {
    const series = trials.find('params.' + p.name);
    if (!series || p.kind === 'const') return [];
    const found: Finding[] = [];
    if (series.codes) {
      const tried = new Set(
        rows
          .map((row) => series.codes![row])
          .filter((c) => c !== absent)
          .map((c) => series.dictionary[c]),
      );
      const never = (p.values ?? []).map(String).filter((v) => !tried.has(v));
      if (never.length)
        found.push({
          param: p.name,
          kind: 'untried',
          text: `${never.join(', ')} ${never.length > 1 ? 'have' : 'has'} no trial with a value.`,
          command: '',
        });
    } else if (p.min !== null && p.max !== null && p.max > p.min)
      found.push(...ranged(p, p.min, p.max, stepOf(p, detail), series.numbers!, rows, best, detail.name));
    const share = importance?.params.find((i) => i.name === p.name)?.share;
    if (share !== undefined && share < 0.02 && !p.when && importance!.trials >= 40)
      found.push({
        param: p.name,
        kind: 'flat',
        text: `So far it hardly tells good trials from others (${(share * 100).toFixed(1)} % of what decides).`,
        command: '',
      });
    return found;
  });
}

/** How far apart its values are; 0: as near as numbers can be. */
function stepOf(p: Param, detail: Detail): number {
  const written = (detail.config?.params as Record<string, { step?: unknown } | undefined> | undefined)?.[p.name]?.step;
  return typeof written === 'number' && written > 0 ? written : p.kind.includes('int') ? 1 : 0;
}

function ranged(
  p: Param,
  min: number,
  max: number,
  step: number,
  values: Float64Array,
  rows: number[],
  best: number[],
  name: string,
): Finding[] {
  const log = p.log && min > 0;
  const place = (v: number) => (log ? Math.log(v / min) / Math.log(max / min) : (v - min) / (max - min));
  const at = (x: number) => (log ? min * (max / min) ** x : min + x * (max - min));
  const found: Finding[] = [];
  const places = best.map((row) => place(values[row])).filter((x) => !Number.isNaN(x));
  const low = places.filter((x) => x < 0.1).length / (places.length || 1);
  const high = places.filter((x) => x > 0.9).length / (places.length || 1);
  const round = (v: number) =>
    Number.isInteger(min) && Number.isInteger(max) && p.kind.includes('int') ? Math.round(v) : Number(v.toPrecision(2));
  // A share, such as a momentum or a dropout, ends at 1; what is not negative, at 0.
  const share = !log && min >= 0 && max <= 1;
  if (places.length >= 5 && high >= 0.4) {
    const to = round(log ? max * Math.sqrt(max / min) : share ? 1 : max + (max - min) / 2);
    const natural = share && max >= 0.9;
    found.push({
      param: p.name,
      kind: 'edge',
      text: `${Math.round(high * 100)} % of the best stand in its upper tenth (above ${number(at(0.9), 3)})${natural ? ', near 1' : `: better ones may lie beyond ${number(max, 3)}`}.`,
      command: natural ? '' : `tune set ${shell(name)} ${shell(`params.${p.name}.max=${to}`)}`,
    });
  }
  if (places.length >= 5 && low >= 0.4 && !(p.kind.includes('int') && min <= 1)) {
    const to = round(log ? min / Math.sqrt(max / min) : min - (max - min) / 2);
    const natural = min >= 0 && to < 0;
    const closer = min > 0 ? ': a logarithmic scale would look closer there' : ', near 0';
    found.push({
      param: p.name,
      kind: 'edge',
      text: `${Math.round(low * 100)} % of the best stand in its lower tenth (below ${number(at(0.1), 3)})${natural ? closer : `: better ones may lie beyond ${number(min, 3)}`}.`,
      command: natural ? '' : `tune set ${shell(name)} ${shell(`params.${p.name}.min=${to}`)}`,
    });
  }
  const tried = [...new Set(rows.map((row) => values[row]).filter((v) => v >= min && v <= max))].sort((a, b) => a - b);
  // With steps the ends can be untried themselves: neighbours of them that cannot be stand for them.
  const top = step ? min + Math.floor((max - min) / step + 1e-9) * step : max;
  const all = [min - step, ...tried, top + step];
  const inside = (v: number) => Math.min(1, Math.max(0, place(Math.min(top, Math.max(min, v)))));
  let widest = 0.25;
  let gap: [number, number] | null = null;
  for (let i = 1; i < all.length; ++i) {
    const size = inside(all[i]) - inside(all[i - 1]);
    if (size > widest && all[i] - all[i - 1] > 1.5 * step) ((widest = size), (gap = [all[i - 1], all[i]]));
  }
  if (gap && rows.length > 10) {
    const [from, to] = [gap[0] + step, gap[1] - step];
    const text = !step
      ? `Nothing was tried between ${number(from, 3)} and ${number(to, 3)}.`
      : to - from < step / 2
        ? `${number(from)} was never tried.`
        : `Nothing was tried from ${number(from)} to ${number(to)}.`;
    found.push({ param: p.name, kind: 'gap', text, command: '' });
  }
  return found;
}

/** Rows that no other row beats in every objective. `values[k][row]`; NaN keeps a row out. O(n log n) for two objectives, else O(n f). */
export function front(values: ArrayLike<number>[], goals: ('minimize' | 'maximize')[], rows: number[]): number[] {
  const cost = (k: number, row: number) => (goals[k] === 'maximize' ? -values[k][row] : values[k][row]);
  const whole = rows.filter((row) => values.every((v) => Number.isFinite(v[row])));
  whole.sort((a, b) => {
    for (let k = 0; k < values.length; ++k) if (cost(k, a) !== cost(k, b)) return cost(k, a) - cost(k, b);
    return a - b;
  });
  const best: number[] = [];
  let least = Infinity;
  for (const row of whole) {
    if (values.length === 2) {
      if (cost(1, row) < least) ((least = cost(1, row)), best.push(row));
    } else if (!best.some((b) => values.every((_, k) => cost(k, b) <= cost(k, row)))) best.push(row);
  }
  return best;
}
