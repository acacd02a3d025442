// SPDX-License-Identifier: Apache-2.0
import type { Detail, Param } from './api';
import { extent, makeScale, railAbsent, railNan, whole, type Scale, type ScaleKind } from './scale';
import { absent, textRanks, type Series, type Trials } from './trials';

/** A column with the scale that suits it, and the place of every trial on it. */
export interface Axis {
  name: string; // of the column
  label: string;
  series: Series;
  scale: Scale;
  places: Float32Array; // 0 … 1, railAbsent or railNan
  hasAbsent: boolean;
  hasNan: boolean;
}

export function axisOf(trials: Trials, detail: Detail, name: string, kind?: ScaleKind): Axis | null {
  const series = trials.find(name);
  if (!series) return null;
  const label = labelOf(series.name, detail);
  const param = series.name.startsWith('params.')
    ? detail.params.find((p) => 'params.' + p.name === series.name)
    : undefined;
  return series.codes ? coded(trials, series, label) : measured(trials, series, label, param, kind);
}

export function labelOf(name: string, detail: Detail): string {
  if (name === 'value') return detail.objectives[0]?.metric ?? 'value';
  return name
    .replace(/^(params|metrics)\./, '')
    .replaceAll('_', ' ')
    .replace(/ at$/, ' at');
}

function coded(trials: Trials, series: Series, label: string): Axis {
  const ranks = textRanks(series);
  const categories: string[] = [];
  series.dictionary.forEach((text, code) => (categories[ranks[code]] = text));
  const scale = makeScale('category', 0, 0, categories);
  const places = new Float32Array(trials.count);
  let hasAbsent = false;
  for (let row = 0; row < trials.count; ++row) {
    const code = series.codes![row];
    if (code === absent) ((places[row] = railAbsent), (hasAbsent = true));
    else places[row] = scale.place(ranks[code]);
  }
  return { name: series.name, label, series, scale, places, hasAbsent, hasNan: false };
}

function measured(trials: Trials, series: Series, label: string, param: Param | undefined, kind?: ScaleKind): Axis {
  const values = series.numbers!;
  let [low, high] = extent(values, trials.count);
  if (param && param.min !== null && param.max !== null)
    [low, high] = [Math.min(low, param.min), Math.max(high, param.max)];
  kind ??= param ? (param.log ? 'log' : 'linear') : guess(values, trials.count, low, high);
  const scale = param?.kind.includes('int') ? whole(makeScale(kind, low, high)) : makeScale(kind, low, high);
  const places = new Float32Array(trials.count);
  let hasAbsent = false;
  let hasNan = false;
  for (let row = 0; row < trials.count; ++row) {
    const v = values[row];
    const place = scale.place(v);
    if (place >= 0 && place <= 1) places[row] = place;
    else if (Number.isNaN(v) && !series.nan.has(row)) ((places[row] = railAbsent), (hasAbsent = true));
    else if (Number.isFinite(v) && Number.isFinite(place)) places[row] = Math.min(1, Math.max(0, place));
    else ((places[row] = railNan), (hasNan = true));
  }
  return { name: series.name, label, series, scale, places, hasAbsent, hasNan };
}

/** Positive values over three decades and more whose middle hugs the low end want a logarithm. */
function guess(values: Float64Array, count: number, low: number, high: number): ScaleKind {
  if (!(low > 0) || high / low < 1000) return 'linear';
  let lowTenth = 0;
  let all = 0;
  for (let i = 0; i < count; ++i)
    if (Number.isFinite(values[i])) ((all += 1), (lowTenth += values[i] < low + (high - low) / 10 ? 1 : 0));
  return lowTenth > all / 2 ? 'log' : 'linear';
}

/** How good each trial is: 1 the best, 0 the worst of the middle nine tenths; NaN where it has no value. By rank, so that one outlier does not grey everything. */
export function goodness(trials: Trials, detail: Detail): Float32Array {
  const values = trials.series.get('value')?.numbers;
  const good = new Float32Array(trials.count).fill(NaN);
  if (!values) return good;
  const finite: number[] = [];
  for (let row = 0; row < trials.count; ++row) if (Number.isFinite(values[row])) finite.push(row);
  const sign = detail.objectives[0]?.goal === 'maximize' ? 1 : -1;
  finite.sort((a, b) => sign * (values[a] - values[b]));
  finite.forEach((row, i) => (good[row] = finite.length > 1 ? i / (finite.length - 1) : 1));
  return good;
}
