// SPDX-License-Identifier: Apache-2.0
// From values to places between 0 and 1. What has no place on the scale gets a rail of its own, never the edge of it.

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

export function linearTicks(low: number, high: number, about: number): number[] {
  const raw = (high - low) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10);
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; ++k)
    ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

export function logTicks(low: number, high: number, about: number): number[] {
  const decades = Math.log10(high / low);
  if (decades < 1) return linearTicks(low, high, about);
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first) / about));
  const ticks: number[] = [];
  for (let e = first; e <= last; e += every) ticks.push(Number(`1e${e}`));
  return ticks.length >= 2 ? ticks : [...new Set([low, ...ticks, high].map((v) => Number(v.toPrecision(2))))];
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
  if (size >= 1e4 || size < 1e-3)
    return value.toExponential(Number.isInteger(Math.log10(size)) ? 0 : 1).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
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
