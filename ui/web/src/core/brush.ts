// SPDX-License-Identifier: Apache-2.0
import { compile } from './filter';
import { absent, type Series, type Trials } from './trials';

/** What is brushed: an interval of values for each numeric column, a set of texts for the others. */
export type Brush = { low: number; high: number } | { texts: string[] };
export type Brushes = Map<string, Brush>;

/** As it stands in the address: `lr:0.001~0.1;opt:=adam,sgd` */
export function writeBrushes(brushes: Brushes): string {
  return [...brushes]
    .map(
      ([name, b]) =>
        `${encodeURIComponent(name)}:` +
        ('texts' in b ? '=' + b.texts.map(encodeURIComponent).join(',') : `${short(b.low)}~${short(b.high)}`),
    )
    .join(';');
}
const short = (v: number) => String(Number(v.toPrecision(6)));

export function readBrushes(text: string): Brushes {
  const brushes: Brushes = new Map();
  for (const part of text.split(';')) {
    const colon = part.indexOf(':');
    if (colon <= 0) continue;
    try {
      const name = decodeURIComponent(part.slice(0, colon));
      const rest = part.slice(colon + 1);
      if (rest[0] === '=') brushes.set(name, { texts: rest.slice(1).split(',').map(decodeURIComponent) });
      else {
        const [low, high] = rest.split('~').map(Number);
        if (low <= high) brushes.set(name, { low, high });
      }
    } catch {
      // A broken address shows everything.
    }
  }
  return brushes;
}

/** A mask over rows: 1 where the filter and every brush hold. */
export function select(
  trials: Trials,
  where: string,
  brushes: Brushes,
  objective = '',
): { mask: Uint8Array; count: number; error: string } {
  const mask = new Uint8Array(trials.count).fill(1);
  let error = '';
  if (where.trim()) {
    const filter = compile(where, trials, objective);
    if ('error' in filter) error = filter.error;
    else for (let row = 0; row < mask.length; ++row) if (!filter.test(row)) mask[row] = 0;
  }
  for (const [name, brush] of brushes) {
    const series = trials.find(name);
    if (series) narrow(mask, series, brush);
  }
  let count = 0;
  for (let row = 0; row < mask.length; ++row) count += mask[row];
  return { mask, count, error };
}

function narrow(mask: Uint8Array, series: Series, brush: Brush) {
  if ('texts' in brush) {
    if (!series.codes) return;
    const wanted = series.dictionary.map((text) => brush.texts.includes(text));
    for (let row = 0; row < mask.length; ++row) {
      const code = series.codes[row];
      if (code === absent || !wanted[code]) mask[row] = 0;
    }
  } else if (series.numbers) {
    // NaN is in no interval.
    for (let row = 0; row < mask.length; ++row) {
      const v = series.numbers[row];
      if (!(v >= brush.low && v <= brush.high)) mask[row] = 0;
    }
  }
}

export function rowsOf(mask: Uint8Array, count: number): Uint32Array {
  const rows = new Uint32Array(count);
  let n = 0;
  for (let row = 0; row < mask.length; ++row) if (mask[row]) rows[n++] = row;
  return rows;
}
