// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readColumns, writeColumns } from './columns';
import { compile, termsOf, writeCondition } from './filter';
import { groupRows, unfold } from './groups';
import { sparkPath } from './sparks.svelte';
import { courses } from './tables';
import { Trials } from './trials';

/** 40 trials: value = number, opt adam and sgd in turns, lr = number; 39 failed, 38 has no opt and no lr. */
function example(): Trials {
  const n = Array.from({ length: 40 }, (_, i) => i);
  const t = new Trials();
  t.merge(
    readColumns(
      writeColumns({ rows: 40, seq: 1, full: true }, [
        { name: 'number', type: 'f64', data: Float64Array.from(n) },
        { name: 'value', type: 'f64', data: Float64Array.from(n) },
        {
          name: 'state',
          type: 'u8',
          data: Uint8Array.from(n, (i) => Number(i === 39)),
          dictionary: ['complete', 'failed'],
        },
        {
          name: 'params.opt',
          type: 'u8',
          data: Uint8Array.from(n, (i) => (i === 38 ? 255 : i % 2)),
          dictionary: ['sgd', 'adam'],
        },
        { name: 'params.lr', type: 'f64', data: Float64Array.from(n, (i) => (i === 38 ? NaN : i)) },
        {
          name: 'tags',
          type: 'u8',
          data: Uint8Array.from(n, (i) => (i < 2 ? i : 255)),
          dictionary: ['["a","b"]', '["b"]'],
        },
      ]),
    ),
  );
  return t;
}
const all = Uint32Array.from({ length: 40 }, (_, i) => i);

describe('groups', () => {
  it('of texts tell how many trials there are, the best and the mean of those that count', () => {
    const groups = groupRows(example(), all, 'params.opt', false);
    expect(groups.map((g) => [g.label, g.rows.length, g.best, g.counted])).toEqual([
      ['adam', 20, 1, 19],
      ['sgd', 19, 0, 19],
      ['–', 1, 38, 1],
    ]);
    expect(groups[1].mean).toBe(18);
    expect(groupRows(example(), all, 'opt', true)[0].best).toBe(37);
  });
  it('of many numbers are ranges with about as many trials each', () => {
    const groups = groupRows(example(), all, 'params.lr', false);
    expect(groups.map((g) => g.rows.length)).toEqual([4, 5, 5, 5, 5, 5, 5, 5, 1]);
    expect(groups[0].label).toBe('0 … 3');
    expect(groups.at(-1)!.label).toBe('–');
  });
  it('of few numbers are those numbers', () => {
    const t = example();
    expect(groupRows(t, all.subarray(0, 3), 'params.lr', false).map((g) => g.label)).toEqual(['0', '1', '2']);
  });
  it('of tags hold a trial once for each', () => {
    const groups = groupRows(example(), all, 'tags', false);
    expect(groups.map((g) => [g.label, g.rows.length])).toEqual([
      ['a', 1],
      ['b', 2],
      ['–', 38],
    ]);
  });
  it('are unfolded one by one', () => {
    const groups = groupRows(example(), all.subarray(0, 3), 'opt', false);
    expect([...unfold(groups, (label) => label === 'sgd')]).toEqual([-1, -2, 0, 2]);
  });
});

describe('conditions', () => {
  it('are read from a text and written as it', () => {
    const terms = termsOf('value < 0.3 and opt == "adam" && not wide and (a or b) and tag = keep');
    expect(terms.map((t) => t.simple)).toEqual([
      { name: 'value', op: '<', value: '0.3' },
      { name: 'opt', op: '=', value: 'adam' },
      { name: 'wide', op: 'is not', value: '' },
      null,
      { name: 'tag', op: '=', value: 'keep' },
    ]);
    expect(terms[3].text).toBe('(a or b)');
    expect(writeCondition(terms[1].simple!, true)).toBe('opt = "adam"');
    expect(writeCondition(terms[2].simple!, false)).toBe('not wide');
    expect(writeCondition({ name: 'a b', op: '~', value: 'say "x"' }, true)).toBe('`a b` ~ \'say "x"\'');
  });
  it('that nothing was written into yet are conditions', () => {
    expect(termsOf('value < and opt = "a"').map((t) => t.simple)).toEqual([
      { name: 'value', op: '<', value: '' },
      { name: 'opt', op: '=', value: 'a' },
    ]);
  });
  it('joined by or, or not understood, are one text', () => {
    expect(termsOf('a < 1 or b < 2')).toEqual([{ text: 'a < 1 or b < 2', simple: null }]);
    expect(termsOf('a < "x')).toEqual([{ text: 'a < "x', simple: null }]);
    expect(termsOf('1 < a')[0].simple).toBe(null);
  });
  it('mean what the whole meant', () => {
    const t = example();
    for (const text of ['value < 9 and opt = "adam"', 'not tag = a and value <= 3', 'opt ~ DA && value > 30']) {
      const again = termsOf(text)
        .map((term) => (term.simple ? writeCondition(term.simple, /[a-z]/.test(term.simple.value)) : term.text))
        .join(' and ');
      const [a, b] = [compile(text, t), compile(again, t)];
      if ('error' in a || 'error' in b) throw new Error(again);
      for (const row of all) expect(b.test(row)).toBe(a.test(row));
    }
  });
});

describe('a small curve', () => {
  it('is as long as its trial went, and has gaps where nothing was measured', () => {
    const f = (...n: number[]) => Float64Array.from(n);
    const curve = { trial: 0, step: f(0, 5, 10), at: f(0, 0, 0), value: f(1, NaN, 0) };
    expect(sparkPath(curve, 20, 102, 24)).toBe('M1.0 2.0M51.0 22.0');
    expect(sparkPath({ ...curve, value: f(NaN, NaN, NaN) }, 20, 102, 24)).toBe('');
  });
});

describe('a course', () => {
  it('has each parameter from step to step, words by their place', () => {
    const made = courses([
      { trial: 1, from_step: 0, to_step: 5, donor: null, params: { lr: 0.1, opt: 'adam' } },
      { trial: 2, from_step: 5, to_step: 5, donor: 1, params: { lr: 0.2, opt: 'adam' } },
      { trial: 2, from_step: 5, to_step: 9, donor: 1, params: { lr: 0.3, opt: 'sgd', k: 1 } },
    ]);
    expect(made).toEqual([
      { name: 'lr', x: [0, 5, 5, 9], y: [0.1, 0.1, 0.3, 0.3], words: [] },
      { name: 'opt', x: [0, 5, 5, 9], y: [0, 0, 1, 1], words: ['adam', 'sgd'] },
      { name: 'k', x: [0, 5, 5, 9], y: [null, null, 1, 1], words: [] },
    ]);
  });
});
