// SPDX-License-Identifier: Apache-2.0
// From values to places between 0 and 1. What has no place on the scale gets a rail of its own, never the edge of it.

import { duration } from './format';

export type ScaleKind = 'linear' | 'log' | 'symlog' | 'category';

export const railAbsent = -1; // not applicable: a parameter whose condition did not hold, a metric not reported
export const railNan = -2; // reported as NaN, or infinite

export interface Scale {
  kind: ScaleKind;
  low: number;
  high: number;
  categories: string[];
  place(value: number): number; // 0 … 1, NaN if there is none
  value(place: number): number;
  ticks(about: number): { place: number; value: number; label: string }[];
}

const symlog = (v: number, c: number) => Math.sign(v) * Math.log1p(Math.abs(v) / c);
const symexp = (v: number, c: number) => Math.sign(v) * Math.expm1(Math.abs(v)) * c;

export function makeScale(kind: ScaleKind, low: number, high: number, categories: string[] = []): Scale {
  if (kind === 'category') return categoryScale(categories);
  if (!(low <= high)) [low, high] = [0, 1];
  if (kind === 'log' && !(low > 0)) kind = 'linear';
  if (low === high) {
    // One value stands in the middle.
    if (kind === 'log') [low, high] = [low / 2, high * 2];
    else [low, high] = low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  }
  const c = Math.max(Math.abs(low), Math.abs(high)) / 1e4 || 1;
  const to = kind === 'log' ? Math.log : kind === 'symlog' ? (v: number) => symlog(v, c) : (v: number) => v;
  const from = kind === 'log' ? Math.exp : kind === 'symlog' ? (v: number) => symexp(v, c) : (v: number) => v;
  const a = to(low);
  const span = to(high) - a;
  const scale: Scale = {
    kind,
    low,
    high,
    categories: [],
    place: (v) => (to(v) - a) / span,
    value: (p) => from(a + p * span),
    ticks(about) {
      const values =
        kind === 'linear'
          ? linearTicks(low, high, about)
          : kind === 'log'
            ? logTicks(low, high, about)
            : symlogTicks(low, high);
      const step = values.length > 1 ? Math.abs(values[1] - values[0]) : Math.abs(high - low);
      return values.map((value) => ({
        value,
        place: scale.place(value),
        label: tickLabel(value, kind === 'linear' ? step : 0),
      }));
    },
  };
  return scale;
}

function categoryScale(categories: string[]): Scale {
  const n = Math.max(1, categories.length);
  return {
    kind: 'category',
    low: 0,
    high: n - 1,
    categories,
    place: (code) => (code + 0.5) / n,
    value: (place) => Math.min(n - 1, Math.max(0, Math.floor(place * n))),
    ticks: () => categories.map((label, value) => ({ value, place: (value + 0.5) / n, label })),
  };
}

function multiples(low: number, high: number, step: number): number[] {
  const found: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k)
    found.push(Number((k * step).toPrecision(12)));
  return found;
}

/** Round values about so many, and two at least: one tells no distance. */
export function linearTicks(low: number, high: number, about: number): number[] {
  const raw = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  const finer = [10, 5, 2, 1, 0.5, 0.2].map((m) => m * power);
  const from = finer.findLastIndex((step) => step >= raw * 0.999);
  let ticks: number[] = [];
  for (const step of finer.slice(Math.max(0, from))) {
    ticks = multiples(low, high, step);
    if (ticks.length > 1) break;
  }
  return ticks;
}

export function logTicks(low: number, high: number, about: number): number[] {
  about = Math.max(2, about);
  const doublings = Math.log2(high / low);
  if (doublings >= 2 && [low, high].every((v) => v >= 1 && Number.isInteger(Math.log2(v))))
    return powersOfTwo(low, high, doublings, about);
  if (high / low < 10) return linearTicks(low, high, about);
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const having = (mantissas: number[], every = 1) => {
    const ticks: number[] = [];
    for (let e = first; e <= last; e += every) for (const m of mantissas) ticks.push(Number(`${m}e${e}`));
    return ticks.filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
  };
  for (const mantissas of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = having(mantissas);
    if (ticks.length > 1 && ticks.length <= about + 1) return ticks;
  }
  const lowest = Math.ceil(Math.log10(low) - 1e-9);
  const every = Math.ceil((last - lowest) / about);
  const ticks = having([1]).filter((_, i) => i % Math.max(1, every) === 0);
  return ticks.length > 1 ? ticks : having([1, 3]);
}

/** From end to end: who has powers of two for ends thinks in them. */
function powersOfTwo(low: number, high: number, doublings: number, about: number): number[] {
  const even = Array.from({ length: doublings }, (_, i) => i + 1).find(
    (d) => doublings % d === 0 && doublings / d <= about + 1,
  )!;
  const every = even === doublings && doublings > 3 ? Math.ceil(doublings / about) : even;
  const ticks: number[] = [];
  for (let v = low; v < high; v *= 2 ** every) ticks.push(v);
  return [...ticks, high];
}

/** Of what is counted: no tick between two values. */
export function whole(scale: Scale): Scale {
  const { ticks } = scale;
  scale.ticks = (about) =>
    ticks(about)
      .filter((t) => Number.isInteger(t.value))
      .map((t) => ({ ...t, label: tickLabel(t.value, 1) }));
  return scale;
}

function symlogTicks(low: number, high: number): number[] {
  const most = Math.max(Math.abs(low), Math.abs(high));
  const top = 10 ** Math.floor(Math.log10(most));
  return [-top, -top / 100, 0, top / 100, top].filter((v) => v >= low && v <= high);
}

export function tickLabel(value: number, step: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (step && size < 1e6 && size >= 1e-4) {
    let digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
    if (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) ++digits; // 0.25 needs two
    return value.toFixed(digits);
  }
  if (size >= 1e4 || size < 1e-3) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

const [minute, hour] = [60, 3600];
const clockSteps = [
  5,
  10,
  15,
  30,
  ...[1, 2, 5, 10, 15, 30].map((m) => m * minute),
  ...[1, 2, 3, 6, 12, 24].map((h) => h * hour),
];

/** Of seconds: ticks where a clock has them, in words. */
export function timed(scale: Scale): Scale {
  const { low, high, ticks } = scale;
  scale.ticks = (about) => {
    const step = clockSteps.find((s) => (high - low) / s <= about);
    const values = !step || high - low < minute / 2 ? ticks(about).map((t) => t.value) : multiples(low, high, step);
    return values.map((value) => ({ value, place: scale.place(value), label: value ? duration(value) : '0' }));
  };
  return scale;
}

/** Smallest and largest finite value. */
export function extent(values: ArrayLike<number>, count = values.length): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; ++i) {
    const v = values[i];
    if (v < low && v > -Infinity) low = v;
    if (v > high && v < Infinity) high = v;
  }
  return [low, high];
}
