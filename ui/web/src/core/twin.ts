// SPDX-License-Identifier: Apache-2.0
// The numbers behind a chart, as a table.
import { labelOf } from './axis';
import type { Detail } from './api';
import { clock, duration, number } from './format';
import { absent, type Trials } from './trials';

export interface Numbers {
  columns: string[];
  rows: (string | number)[][];
  of?: number; // how many rows there would be, where not all were made
}

export const mostRows = 200;

/** One cell of the table of trials, as people read it. */
export function cellText(trials: Trials, name: string, row: number): string {
  if (name === 'ran_seconds') return duration(trials.number(trials.find(name), row));
  const s = trials.find(name);
  if (!s) return '–';
  if (s.codes) return s.codes[row] === absent ? '–' : s.dictionary[s.codes[row]];
  const v = s.numbers![row];
  if (Number.isNaN(v)) return s.nan.has(row) ? 'nan' : '–';
  return name.endsWith('_at') ? clock(v) : number(v);
}

/** Some trials by the columns that a chart shows of them. */
export function trialNumbers(trials: Trials, detail: Detail, names: string[], rows: ArrayLike<number>): Numbers {
  const shown = Array.from({ length: Math.min(rows.length, mostRows) }, (_, i) => rows[i]);
  return {
    columns: ['trial', ...names.map((n) => labelOf(n, detail))],
    rows: shown.map((row) => [trials.trial(row), ...names.map((n) => cellText(trials, n, row))]),
    of: rows.length,
  };
}
