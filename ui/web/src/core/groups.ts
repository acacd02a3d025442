// SPDX-License-Identifier: Apache-2.0
import { tagsOf } from './filter';
import { number } from './format';
import { absent, counts, textRanks, type Series, type Trials } from './trials';

/** Trials that have something in common, and how they did. */
export interface Group {
  label: string;
  rows: Uint32Array; // in the order in which they were given
  best: number; // the row with the best value; -1: none counts
  mean: number; // of the values that count; NaN: none does
  counted: number;
}

const most = 12; // different numbers that are groups of their own; more are cut into ranges
const ranges = 8;

/** Where each row belongs: the places of its groups among `labels`. */
interface Split {
  labels: string[];
  of: (row: number) => number[];
}

/**
 * One group a text, a number or a range of numbers with about as many trials each; a trial is in the group of each of its tags.
 * In their own order, what is absent last. O(n log n).
 */
export function groupRows(trials: Trials, rows: Uint32Array, name: string, maximize: boolean): Group[] {
  const series = trials.find(name);
  if (!series) return [];
  const split = series.name === 'tags' ? byTag(series) : series.codes ? byText(series) : byNumber(series, rows);
  const sizes = new Uint32Array(split.labels.length);
  for (const row of rows) for (const place of split.of(row)) ++sizes[place];
  const groups = split.labels.map((label, i) => gather(label, sizes[i]));
  const at = new Uint32Array(groups.length);
  for (const row of rows) for (const place of split.of(row)) groups[place].rows[at[place]++] = row;
  const values = trials.series.get('value')?.numbers;
  for (const group of groups) {
    let sum = 0;
    for (const row of group.rows) {
      if (!values || !counts(trials, row)) continue;
      ++group.counted;
      sum += values[row];
      if (group.best < 0 || (maximize ? values[row] > values[group.best] : values[row] < values[group.best]))
        group.best = row;
    }
    if (group.counted) group.mean = sum / group.counted;
  }
  return groups.filter((g) => g.rows.length);
}

const gather = (label: string, size: number): Group => ({
  label,
  rows: new Uint32Array(size),
  best: -1,
  mean: NaN,
  counted: 0,
});

function byText(series: Series): Split {
  const ranks = textRanks(series);
  const labels: string[] = [];
  series.dictionary.forEach((text, code) => (labels[ranks[code]] = text));
  const places = Array.from(ranks, (rank) => [rank]);
  const none = [labels.push('–') - 1];
  return { labels, of: (row) => (series.codes![row] === absent ? none : places[series.codes![row]]) };
}

function byTag(series: Series): Split {
  const lists = series.dictionary.map(tagsOf);
  const labels = [...new Set(lists.flat())].sort();
  const none = [labels.push('–') - 1];
  const places = lists.map((tags) => (tags.length ? tags.map((tag) => labels.indexOf(tag)) : none));
  return { labels, of: (row) => places[series.codes![row]] ?? none };
}

function byNumber(series: Series, rows: Uint32Array): Split {
  const numbers = series.numbers!;
  const sorted = Float64Array.from(rows, (row) => numbers[row])
    .filter((v) => !Number.isNaN(v))
    .sort();
  const distinct: number[] = [];
  for (const v of sorted) if (v !== distinct.at(-1) && distinct.push(v) > most) break;
  // The least value of each group.
  const begins =
    distinct.length <= most
      ? distinct
      : [...new Set(Array.from({ length: ranges }, (_, i) => sorted[Math.floor((i * sorted.length) / ranges)]))];
  const labels = begins.map((v, i) => {
    let last = sorted.length - 1;
    if (i + 1 < begins.length) while (last > 0 && sorted[last] >= begins[i + 1]) --last;
    return v === sorted[last] ? number(v) : `${number(v)} … ${number(sorted[last])}`;
  });
  const nan = [labels.push('nan') - 1];
  const none = [labels.push('–') - 1];
  const places = begins.map((_, i) => [i]);
  return {
    labels,
    of: (row) => {
      const v = numbers[row];
      if (Number.isNaN(v)) return series.nan.has(row) ? nan : none;
      let i = begins.length - 1;
      while (i > 0 && v < begins[i]) --i;
      return places[i];
    },
  };
}

/** What a table shows: a group as -1 minus its place, and the rows of those that are unfolded. */
export function unfold(groups: Group[], open: (label: string) => boolean): Int32Array {
  const lines = new Int32Array(groups.reduce((sum, g) => sum + 1 + (open(g.label) ? g.rows.length : 0), 0));
  let n = 0;
  groups.forEach((g, i) => {
    lines[n++] = -1 - i;
    if (!open(g.label)) return;
    lines.set(g.rows, n);
    n += g.rows.length;
  });
  return lines;
}
