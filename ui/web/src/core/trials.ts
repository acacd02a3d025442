// SPDX-License-Identifier: Apache-2.0
import type { Attempt } from './api';
import type { Columns } from './columns';

export const absent = 0xffffffff; // the code of an absent text
export const states = [
  'queued',
  'leased',
  'running',
  'paused',
  'complete',
  'stopped',
  'failed',
  'infeasible',
  'cancelled',
] as const;
export type State = (typeof states)[number];

/** One column of all trials: numbers (absent is NaN, `nan` tells what was reported as NaN) or codes of texts. */
export interface Series {
  name: string;
  numbers: Float64Array | null;
  codes: Uint32Array | null;
  dictionary: string[];
  nan: Set<number>;
  known: Map<string, number>; // text -> code
}

/**
 * All trials of an experiment, a typed array a column; row = order of arrival, which is nearly always the trial's number.
 * Lives outside the reactive graph (a hundred thousand proxies would cost seconds): whoever draws depends on a version
 * that the owner counts up after `merge`.
 */
export class Trials {
  count = 0;
  seq = 0;
  readonly series = new Map<string, Series>();
  private capacity = 0;
  private rows = new Map<number, number>(); // trial -> row

  /** Adds what is new and overwrites what changed. A full answer begins anew. Returns the rows touched. */
  merge(delta: Columns): number[] {
    if (delta.full) this.clear();
    const number = delta.columns.find((c) => c.name === 'number');
    if (!number) throw new Error('columns: there is no column "number"');
    this.reserve(this.count + delta.rows);
    const touched: number[] = [];
    for (let i = 0; i < delta.rows; ++i) {
      let row = this.rows.get(number.data[i]);
      if (row === undefined) this.rows.set(number.data[i], (row = this.count++));
      touched.push(row);
    }
    for (const column of delta.columns) {
      const to = this.column(column.name, column.dictionary !== undefined);
      if (to.numbers) {
        for (let i = 0; i < delta.rows; ++i) to.numbers[touched[i]] = column.data[i];
        if (to.nan.size) for (const row of touched) to.nan.delete(row);
        for (const i of column.nan ?? []) to.nan.add(touched[i]);
      } else if (to.codes) {
        const none = column.type === 'u8' ? 255 : absent;
        const code = (column.dictionary ?? []).map((text) => codeOf(to, text));
        for (let i = 0; i < delta.rows; ++i)
          to.codes[touched[i]] = column.data[i] === none ? absent : code[column.data[i]];
      }
    }
    this.seq = Math.max(this.seq, delta.seq);
    return touched;
  }

  rowOf(trial: number): number | undefined {
    return this.rows.get(trial);
  }
  trial(row: number): number {
    return this.series.get('number')!.numbers![row];
  }
  /** By its name, else as a parameter's, else as a metric's name. */
  find(name: string): Series | undefined {
    return this.series.get(name) ?? this.series.get('params.' + name) ?? this.series.get('metrics.' + name);
  }
  text(series: Series | undefined, row: number): string | null {
    const code = series?.codes?.[row];
    return code === undefined || code === absent ? null : series!.dictionary[code];
  }
  number(series: Series | undefined, row: number): number {
    return series?.numbers?.[row] ?? NaN;
  }
  state(row: number): State {
    return (this.text(this.series.get('state'), row) ?? 'queued') as State;
  }
  names(prefix: string): string[] {
    return [...this.series.keys()].filter((n) => n.startsWith(prefix)).sort();
  }

  private clear() {
    this.count = this.capacity = this.seq = 0;
    this.series.clear();
    this.rows.clear();
  }
  private column(name: string, coded: boolean): Series {
    let s = this.series.get(name);
    if (s) return s;
    s = { name, numbers: null, codes: null, dictionary: [], nan: new Set(), known: new Map() };
    if (coded) s.codes = new Uint32Array(this.capacity).fill(absent);
    else s.numbers = new Float64Array(this.capacity).fill(NaN);
    this.series.set(name, s);
    return s;
  }
  private reserve(rows: number) {
    if (rows <= this.capacity) return;
    // The first load has its exact size; what grows afterwards has room for a quarter more.
    this.capacity = this.capacity ? Math.max(rows, Math.ceil(this.capacity * 1.25)) : rows;
    for (const s of this.series.values()) {
      if (s.numbers) {
        const grown = new Float64Array(this.capacity).fill(NaN);
        grown.set(s.numbers);
        s.numbers = grown;
      } else if (s.codes) {
        const grown = new Uint32Array(this.capacity).fill(absent);
        grown.set(s.codes);
        s.codes = grown;
      }
    }
  }
}

function codeOf(s: Series, text: string): number {
  let code = s.known.get(text);
  if (code === undefined) s.known.set(text, (code = s.dictionary.push(text) - 1));
  return code;
}

/** A trial that has ended and counts for the best: its value was measured and its constraints hold. */
export function counts(trials: Trials, row: number): boolean {
  const state = trials.state(row);
  return (
    (state === 'complete' || state === 'stopped') &&
    Number.isFinite(trials.number(trials.series.get('value'), row)) &&
    isTrue(trials, 'feasible', row, true)
  );
}

export function isTrue(trials: Trials, name: string, row: number, otherwise = false): boolean {
  const s = trials.series.get(name);
  if (!s) return otherwise;
  if (s.numbers) return Number.isNaN(s.numbers[row]) ? otherwise : s.numbers[row] !== 0;
  const text = trials.text(s, row);
  return text === null ? otherwise : text === 'true' || text === '1';
}

/** Order of rows: several keys, absent values and NaN last whichever way; equal rows by number. */
export function sortRows(
  trials: Trials,
  rows: Uint32Array,
  keys: { name: string; descending: boolean }[],
): Uint32Array {
  const columns = keys.flatMap(({ name, descending }) => {
    const s = trials.find(name);
    return s ? [{ s, sign: descending ? -1 : 1, rank: s.codes ? textRanks(s) : null }] : [];
  });
  const number = trials.series.get('number')!.numbers!;
  return rows.slice().sort((a, b) => {
    for (const { s, sign, rank } of columns) {
      const x = rank ? rankAt(rank, s.codes![a]) : s.numbers![a];
      const y = rank ? rankAt(rank, s.codes![b]) : s.numbers![b];
      if (x === y) continue;
      if (Number.isNaN(x)) {
        if (Number.isNaN(y)) continue;
        return 1;
      }
      if (Number.isNaN(y)) return -1;
      return x < y ? -sign : sign;
    }
    return number[a] - number[b];
  });
}

/** Rows of trials that have ended, in the order in which they did. */
export function byEnd(trials: Trials): number[] {
  const end = trials.find('ended_at')?.numbers;
  const rows = Array.from({ length: trials.count }, (_, row) => row).filter((row) => end && Number.isFinite(end[row]));
  return rows.sort((a, b) => end![a] - end![b] || a - b);
}

/** What all trials together had of a column (steps, cost) when each of them ended; NaN where it has not. */
export function spent(trials: Trials, name: string): Float64Array {
  const series = trials.find(name);
  const sums = new Float64Array(trials.count).fill(NaN);
  let sum = 0;
  for (const row of byEnd(trials)) sums[row] = sum += Math.max(0, trials.number(series, row) || 0);
  return sums;
}

/** How many seconds attempts ran, together: what lies between them, a pause or the wait for a slot, is not counted. */
export function ran(attempts: Pick<Attempt, 'launched_at' | 'ended_at' | 'seconds'>[], now: number): number {
  return attempts.reduce((sum, a) => sum + (a.seconds ?? Math.max(0, (a.ended_at ?? now) - a.launched_at)), 0);
}

/** All rows, the best first. */
export function bestFirst(trials: Trials, maximize: boolean): Uint32Array {
  const rows = Uint32Array.from({ length: trials.count }, (_, row) => row);
  return sortRows(trials, rows, [{ name: 'value', descending: maximize }]);
}

const rankAt = (rank: Float64Array, code: number) => (code === absent ? NaN : rank[code]);

/** Place of each code when its texts are in order; texts that are numbers by their size. */
export function textRanks(s: Series): Float64Array {
  const order = s.dictionary.map((text, code) => ({ text, code, number: text.trim() === '' ? NaN : Number(text) }));
  const numeric = order.every((o) => !Number.isNaN(o.number));
  order.sort((a, b) => (numeric ? a.number - b.number : a.text < b.text ? -1 : 1));
  const rank = new Float64Array(order.length);
  order.forEach((o, i) => (rank[o.code] = i));
  return rank;
}
