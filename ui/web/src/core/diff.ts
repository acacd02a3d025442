// SPDX-License-Identifier: Apache-2.0
// What differs between two texts line by line, and between two sets of settings.

export interface Hunk {
  lines: { sign: ' ' | '-' | '+'; text: string }[];
  left: number; // line numbers of its first line, from 1
  right: number;
}

/**
 * The lines that differ, each stretch with `context` lines around it. Equal is what `same` makes equal: without the numbers,
 * say. Texts that have little in common are told as all of one and all of the other. Myers, O((n + m) d) with d bounded.
 */
export function diffLines(a: string[], b: string[], same = (line: string) => line, context = 2): Hunk[] {
  const [x, y] = [a.map(same), b.map(same)];
  const script: { sign: ' ' | '-' | '+'; text: string }[] = [];
  let begin = 0;
  while (begin < x.length && begin < y.length && x[begin] === y[begin]) ++begin;
  let end = 0;
  while (end < x.length - begin && end < y.length - begin && x.at(-1 - end) === y.at(-1 - end)) ++end;
  for (let i = 0; i < begin; ++i) script.push({ sign: ' ', text: a[i] });
  let [i, j] = [begin, begin];
  for (const [p, q] of [
    ...common(x.slice(begin, x.length - end), y.slice(begin, y.length - end)).map(([p, q]) => [p + begin, q + begin]),
    [x.length - end, y.length - end],
  ]) {
    while (i < p) script.push({ sign: '-', text: a[i++] });
    while (j < q) script.push({ sign: '+', text: b[j++] });
    if (i < x.length - end) (script.push({ sign: ' ', text: a[i] }), ++i, ++j);
  }
  for (; i < a.length; ++i) script.push({ sign: ' ', text: a[i] });
  return hunks(script, context);
}

function hunks(script: Hunk['lines'], context: number): Hunk[] {
  const found: Hunk[] = [];
  let left = 1;
  let right = 1;
  let last = -Infinity; // where the last change was
  script.forEach((line, at) => {
    if (line.sign !== ' ') {
      const from = Math.max(0, at - context);
      if (from > last + context || !found.length) {
        found.push({ lines: script.slice(from, at), left: left - (at - from), right: right - (at - from) });
      }
      last = at;
    }
    if (at <= last + context && found.length) found.at(-1)!.lines.push(line);
    if (line.sign !== '+') ++left;
    if (line.sign !== '-') ++right;
  });
  return found;
}

const deepest = 800;

/** Pairs of places of a longest common part; none where more than `deepest` lines differ. */
function common(a: string[], b: string[]): [number, number][] {
  const trace: Int32Array[] = [];
  let ends = new Int32Array(3);
  for (let d = 0; d <= Math.min(deepest, a.length + b.length); ++d) {
    const now = new Int32Array(2 * d + 3); // furthest place in a, by diagonal + d + 1
    for (let k = -d; k <= d; k += 2) {
      const before = (diagonal: number) => ends[diagonal + d]; // of d - 1
      const down = k === -d || (k !== d && before(k - 1) < before(k + 1));
      let i = d === 0 ? 0 : down ? before(k + 1) : before(k - 1) + 1;
      while (i < a.length && i - k < b.length && a[i] === b[i - k]) ++i;
      now[k + d + 1] = i;
      if (i >= a.length && i - k >= b.length) return walkBack(trace, a.length, b.length);
    }
    trace.push(now);
    ends = now;
  }
  return [];
}

function walkBack(trace: Int32Array[], i: number, j: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let d = trace.length; d > 0; --d) {
    const ends = trace[d - 1];
    const k = i - j;
    const before = (diagonal: number) => ends[diagonal + d];
    const down = k === -d || (k !== d && before(k - 1) < before(k + 1));
    const from = down ? before(k + 1) : before(k - 1);
    const reached = down ? from : from + 1;
    while (i > reached) pairs.push([--i, --j]);
    if (down) --j;
    else --i;
  }
  while (i > 0 && j > 0) pairs.push([--i, --j]);
  return pairs.reverse();
}

export interface Setting {
  path: string;
  left: string; // as JSON; – where there is none
  right: string;
}

/** The settings that differ, by their place: stop.trials, params.lr.max. A list is one value. */
export function diffSettings(left: unknown, right: unknown, path = ''): Setting[] {
  const isObject = (v: unknown): v is Record<string, unknown> =>
    typeof v === 'object' && v !== null && !Array.isArray(v);
  if (isObject(left) && isObject(right))
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
      diffSettings(left[key], right[key], path ? `${path}.${key}` : key),
    );
  const write = (v: unknown) => (v === undefined ? '–' : JSON.stringify(v));
  return write(left) === write(right) ? [] : [{ path, left: write(left), right: write(right) }];
}
