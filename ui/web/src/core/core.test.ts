// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readBrushes, select, writeBrushes } from './brush';
import { readColumns, writeColumns, type Column } from './columns';
import { asCommand, unowned } from './commands';
import { runningMean, smooth, together, valueAt } from './curves';
import { compile } from './filter';
import { asArguments, count, duration, number, shell } from './format';
import { linearTicks, logTicks, makeScale, timed, whole } from './scale';
import { backoff } from './stream';
import { byEnd, counts, sortRows, spent, Trials } from './trials';

const column = (name: string, data: Column['data'], more: Partial<Column> = {}) =>
  ({
    name,
    type:
      data instanceof Float64Array
        ? 'f64'
        : data instanceof Uint8Array
          ? 'u8'
          : data instanceof Int32Array
            ? 'i32'
            : 'u32',
    data,
    ...more,
  }) as Column;

/** Trials 0 … 3: value 0.5, 0.1, NaN reported, absent; opt adam, sgd, absent, adam. */
function example(): Trials {
  const trials = new Trials();
  trials.merge(
    readColumns(
      writeColumns({ rows: 4, seq: 9, full: true }, [
        column('number', new Float64Array([0, 1, 2, 3])),
        column('value', new Float64Array([0.5, 0.1, NaN, NaN]), { nan: [2] }),
        column('params.opt', new Uint32Array([0, 1, 0xffffffff, 0]), { dictionary: ['adam', 'sgd'] }),
        column('params.wide', new Uint32Array([0, 1, 0, 1]), { dictionary: ['true', 'false'] }),
        column('state', new Uint8Array([0, 1, 2, 255]), { dictionary: ['complete', 'stopped', 'failed'] }),
        column('tags', new Uint8Array([255, 0, 1, 255]), { dictionary: ['["good","x"]', '["Keep"]'] }),
        column('note', new Uint8Array([255, 0, 1, 255]), { dictionary: ['mine', '3'] }),
        column('star', new Uint8Array([0, 1, 0, 0]), { dictionary: ['false', 'true'] }),
      ]),
    ),
  );
  return trials;
}
const matching = (text: string) => {
  const trials = example();
  const filter = compile(text, trials, 'loss');
  if ('error' in filter) throw new Error(filter.error);
  return [0, 1, 2, 3].filter(filter.test);
};

describe('columns', () => {
  it('come back as they were written, on their own alignment', () => {
    const read = readColumns(
      writeColumns({ rows: 3, seq: 7, full: false }, [
        column('a', new Float64Array([1, NaN, 3])),
        column('b', new Uint8Array([1, 2, 3])),
        column('c', new Int32Array([-1, 0, 1])),
      ]),
    );
    expect(read.seq).toBe(7);
    expect(Array.from(read.columns[0].data)).toEqual([1, NaN, 3]);
    expect(Array.from(read.columns[1].data)).toEqual([1, 2, 3]);
    expect(Array.from(read.columns[2].data)).toEqual([-1, 0, 1]);
  });
  it('refuse what is cut short, wherever it is cut', () => {
    const whole = writeColumns({ rows: 3, seq: 7, full: true }, [column('a', new Float64Array([1, 2, 3]))]);
    for (let length = 0; length < whole.byteLength; ++length)
      expect(() => readColumns(whole.slice(0, length))).toThrow();
  });
  it('refuse other bytes', () => expect(() => readColumns(new ArrayBuffer(64))).toThrow('no column data'));
});

describe('trials', () => {
  it('take over what changed and append what is new', () => {
    const t = example();
    const touched = t.merge(
      readColumns(
        writeColumns({ rows: 2, seq: 12, full: false }, [
          column('number', new Float64Array([2, 4])),
          column('value', new Float64Array([0.2, 0.3])),
        ]),
      ),
    );
    expect(touched).toEqual([2, 4]);
    expect(t.count).toBe(5);
    expect(t.seq).toBe(12);
    expect(t.number(t.find('value'), 2)).toBe(0.2);
    expect(t.find('value')!.nan.has(2)).toBe(false);
  });
  it('translate the codes of another dictionary', () => {
    const t = example();
    t.merge(
      readColumns(
        writeColumns({ rows: 1, seq: 12, full: false }, [
          column('number', new Float64Array([1])),
          column('params.opt', new Uint32Array([1]), { dictionary: ['lion', 'adam'] }),
        ]),
      ),
    );
    expect(t.text(t.find('opt'), 1)).toBe('adam');
    expect(t.text(t.find('opt'), 0)).toBe('adam');
  });
  it('have nothing in a column that came later', () => {
    const t = example();
    t.merge(
      readColumns(
        writeColumns({ rows: 1, seq: 12, full: false }, [
          column('number', new Float64Array([1])),
          column('metrics.acc', new Float64Array([0.9])),
        ]),
      ),
    );
    expect(t.number(t.find('acc'), 0)).toBeNaN();
    expect(t.number(t.find('acc'), 1)).toBe(0.9);
  });
  it('begin anew with a full answer', () => {
    const t = example();
    t.merge(readColumns(writeColumns({ rows: 1, seq: 1, full: true }, [column('number', new Float64Array([0]))])));
    expect(t.count).toBe(1);
    expect(t.find('value')).toBeUndefined();
  });
  it('sort what is absent or NaN last, whichever way', () => {
    const t = example();
    const all = new Uint32Array([0, 1, 2, 3]);
    expect([...sortRows(t, all, [{ name: 'value', descending: false }])]).toEqual([1, 0, 2, 3]);
    expect([...sortRows(t, all, [{ name: 'value', descending: true }])]).toEqual([0, 1, 2, 3]);
    expect([
      ...sortRows(t, all, [
        { name: 'opt', descending: true },
        { name: 'value', descending: true },
      ]),
    ]).toEqual([1, 0, 3, 2]);
  });
  it('count for the best only with a value that was measured', () => {
    const t = example();
    expect([0, 1, 2, 3].filter((row) => counts(t, row))).toEqual([0, 1]);
  });
});

describe('a filter', () => {
  it('compares numbers, texts and truths', () => {
    expect(matching('value < 0.3')).toEqual([1]);
    expect(matching('opt == "adam"')).toEqual([0, 3]);
    expect(matching("0.3 < value and params.opt = 'adam'")).toEqual([0]);
    expect(matching('wide')).toEqual([0, 2]);
    expect(matching('wide == false')).toEqual([1, 3]);
  });
  it('knows the objective by its name', () => expect(matching('loss <= 0.1')).toEqual([1]));
  it('holds neither way for what is absent', () => {
    expect(matching('not opt == "adam"')).toEqual([1]);
    expect(matching('value >= 0 or not value >= 0')).toEqual([0, 1]);
  });
  it('tells NaN from absent', () => {
    expect(matching('value == nan')).toEqual([2]);
    expect(matching('value == null')).toEqual([3]);
    expect(matching('value != null')).toEqual([0, 1, 2]);
  });
  it('takes tags as a set, which is empty where there are none', () => {
    expect(matching('tag = good')).toEqual([1]);
    expect(matching('tag != good')).toEqual([0, 2, 3]);
    expect(matching('not tag = "good"')).toEqual([0, 2, 3]);
    expect(matching('tag ~ kee or tags = x')).toEqual([1, 2]);
    expect(matching('tag == null')).toEqual([0, 3]);
    expect(matching('"x" = tag')).toEqual([1]);
    expect(matching('tag')).toEqual([1, 2]);
    expect(compile('tag < a', example())).toMatchObject({ error: 'tags are compared with =, != and ~', at: 4 });
  });
  it('finds a text in a text, and in nothing else', () => {
    expect(matching('note ~ INE')).toEqual([1]);
    expect(matching('not note ~ ine')).toEqual([2]);
    expect(matching('note = "3"')).toEqual([2]);
    expect(matching('note = 3 or number ~ 2')).toEqual([]);
    expect(matching('opt ~ da and not star')).toEqual([0, 3]);
    expect(compile('"a" ~ opt', example())).toHaveProperty('error');
  });
  it('binds and before or', () => expect(matching('value < 0.3 or value > 0.3 and opt == "sgd"')).toEqual([1]));
  it('says what it does not understand, and where', () => {
    const t = example();
    expect(compile('valve < 1', t)).toEqual({
      error: '"valve" is no column, parameter or metric here; did you mean value?',
      at: 0,
    });
    expect(compile('value <', t)).toMatchObject({ at: 7 });
    expect(compile('(value < 1', t)).toMatchObject({ error: "expected ')'" });
    expect(compile('value < "a', t)).toMatchObject({ error: 'this text has no end', at: 8 });
    expect(compile('value < nan', t)).toHaveProperty('error');
    expect(compile('not '.repeat(40) + 'wide', t)).toMatchObject({ error: 'nested too deeply' });
  });
  it('of nothing is all', () => expect(matching('  ')).toEqual([0, 1, 2, 3]));
});

describe('brushes', () => {
  it('survive the address', () => {
    const brushes = new Map([
      ['params.lr', { low: 1e-5, high: 0.1 }],
      ['params.o:p', { texts: ['a,b', 'c;d'] }],
    ]);
    expect(readBrushes(writeBrushes(brushes))).toEqual(brushes);
    expect(readBrushes('nonsense;a:;b:1~x;%:1~2').size).toBe(0);
  });
  it('leave out what has no value', () => {
    const { mask, count } = select(example(), '', new Map([['value', { low: 0, high: 1 }]]));
    expect([...mask]).toEqual([1, 1, 0, 0]);
    expect(count).toBe(2);
    expect([...select(example(), '', new Map([['params.opt', { texts: ['adam'] }]])).mask]).toEqual([1, 0, 0, 1]);
  });
});

describe('scales', () => {
  it('go there and back', () => {
    for (const kind of ['linear', 'log', 'symlog'] as const) {
      const s = makeScale(kind, 0.001, 10);
      for (const v of [0.001, 0.05, 1, 10]) expect(s.value(s.place(v))).toBeCloseTo(v, 9);
    }
  });
  it('put a single value in the middle', () => expect(makeScale('linear', 3, 3).place(3)).toBeCloseTo(0.5));
  it('have no logarithm of nothing', () => expect(makeScale('log', 0, 1).kind).toBe('linear'));
  it('have round ticks', () => {
    expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(linearTicks(0.30000000000000004, 0.7, 4)).toEqual([0.3, 0.4, 0.5, 0.6, 0.7]);
    expect(logTicks(1e-5, 1, 3)).toEqual([1e-5, 1e-3, 0.1]);
    expect(logTicks(12, 500, 4)).toEqual([20, 50, 100, 200, 500]);
    expect(logTicks(12, 500, 2)).toEqual([30, 100, 300]);
  });
  it('have two ticks at least', () => {
    for (const [low, high] of [
      [0.91, 0.979],
      [1, 6],
      [-3, 0.1],
      [4.1, 9.9],
    ])
      for (const ticks of [linearTicks(low, high, 1), linearTicks(low, high, 2)]) {
        expect(ticks.length).toBeGreaterThan(1);
        expect(ticks.every((v) => v >= low && v <= high)).toBe(true);
      }
    for (const [low, high] of [
      [0.9, 11],
      [11, 111],
      [2e-4, 3e-3],
      [0.5, 4e8],
    ])
      expect(logTicks(low, high, 2).length).toBeGreaterThan(1);
  });
  it('go from end to end where both are powers of two', () => {
    expect(logTicks(16, 512, 3)).toEqual([16, 64, 256, 512]);
    expect(logTicks(16, 512, 4)).toEqual([16, 32, 64, 128, 256, 512]);
    expect(logTicks(16, 1024, 3)).toEqual([16, 64, 256, 1024]);
    expect(logTicks(8, 1024, 4)).toEqual([8, 32, 128, 512, 1024]);
  });
  it('of times have ticks where a clock has them', () => {
    const labels = (high: number, about: number) =>
      timed(makeScale('linear', 0, high))
        .ticks(about)
        .map((t) => t.label);
    expect(labels(950, 8)).toEqual(['0', '2 min', '4 min', '6 min', '8 min', '10 min', '12 min', '14 min']);
    expect(labels(9000, 3)).toEqual(['0', '1 h 0 min', '2 h 0 min']);
    expect(labels(0.4, 2)).toEqual(['0', '200 ms', '400 ms']);
    expect(labels(86400 * 40, 4)[1]).toBe('11 d 13 h');
  });
  it('have short labels', () => {
    const labels = (low: number, high: number) =>
      makeScale('log', low, high)
        .ticks(5)
        .map((t) => t.label);
    expect(labels(1e-5, 1e-3)).toEqual(['1e-5', '3e-5', '1e-4', '3e-4', '0.001']);
  });
  it('have no tick between two whole numbers', () => {
    const labels = (low: number, high: number) =>
      whole(makeScale('linear', low, high))
        .ticks(8)
        .map((t) => t.label);
    expect(labels(2, 3)).toEqual(['2', '3']);
    expect(labels(0, 16)).toEqual(['0', '2', '4', '6', '8', '10', '12', '14', '16']);
  });
});

describe('curves', () => {
  it('smooth to themselves without weight, and keep their gaps', () => {
    expect(smooth([1, NaN, 3], 0)).toEqual([1, NaN, 3]);
    expect(smooth([2, 2, 2], 0.9)[2]).toBeCloseTo(2);
  });
  it('have a value at the last step not after', () => {
    const curve = {
      trial: 0,
      step: new Float64Array([1, 3, 9]),
      at: new Float64Array(3),
      value: new Float64Array([10, 30, 90]),
    };
    expect([0, 1, 5, 9, 20].map((s) => valueAt(curve, s))).toEqual([NaN, 10, 30, 90, 90]);
    expect(valueAt(curve, 20, 2)).toBeNaN();
  });
});

describe('words for people', () => {
  it('write numbers short and exactly enough', () => {
    expect(
      [0, 12, 0.1, 0.123456, 1234.5678, 0.00012345, 1e9, NaN, -Infinity, null, 'x', true].map((v) => number(v)),
    ).toEqual(['0', '12', '0.1', '0.1235', '1235', '1.23e-4', '1.00e9', 'nan', '-inf', '–', 'x', 'true']);
    expect(count(1234567)).toBe('1\u2009234\u2009567');
  });
  it('write durations', () =>
    expect([0.02, 3, 61, 3700, 200000, null].map(duration)).toEqual([
      '20 ms',
      '3.0 s',
      '1 min 1 s',
      '1 h 1 min',
      '2 d 7 h',
      '–',
    ]));
  it('quote for a shell what needs it', () => {
    expect(shell("it's")).toBe(`'it'\\''s'`);
    expect(asArguments({ lr: 0.1, opt: 'a b' })).toBe("--lr=0.1 '--opt=a b'");
  });
  it('name the command of an action', () => {
    expect(asCommand('mnist', { action: 'stop', trials: [3, 4], reason: 'too slow' })).toBe(
      "tune stop mnist/3 mnist/4 --reason 'too slow'",
    );
    expect(asCommand('mnist', { action: 'enqueue', params: { lr: 0.1 } })).toBe('tune enqueue mnist -p lr=0.1');
    expect(asCommand('mnist', { action: 'star', on: false })).toBe('tune note mnist --unstar');
    expect(asCommand('my run', { action: 'tag', trials: [1, 2], tags: ['old'], on: false })).toBe(
      "tune tag 'my run/1' --drop old\ntune tag 'my run/2' --drop old",
    );
    expect(asCommand('mnist', { action: 'priority', trials: [1, 2], priority: 5 })).toBe(
      'tune priority mnist/1 mnist/2 --to 5',
    );
    expect(asCommand('my run', { action: 'drain', worker: 3 })).toBe("tune workers drain 3 'my run'");
    expect(asCommand('mnist', { action: 'archive', on: false })).toBe('tune unarchive mnist');
  });
  it('says what comes of it where nobody runs the experiment', () => {
    expect(unowned('mnist', { action: 'resume' }, true)).toContain('this server goes on with it');
    expect(unowned('mnist', { action: 'resume' }, false)).toContain('only recorded');
    for (const serves of [true, false]) {
      expect(unowned('a b', { action: 'retry', trials: [3] }, serves)).toContain("tune resume 'a b'");
      expect(unowned('mnist', { action: 'resume', trials: [3] }, serves)).toContain('holds when it goes on');
      expect(unowned('mnist', { action: 'star', on: true }, serves)).toBe('');
    }
  });
});

describe('waiting to connect again', () => {
  it('doubles up to half a minute', () => expect([0, 1, 4, 20].map((n) => backoff(n, 0.5))).toEqual([0.5, 1, 8, 30]));
});

describe('bands', () => {
  const curve = (trial: number, step: number[], value: number[]) => ({
    trial,
    step: Float64Array.from(step),
    at: Float64Array.from(step),
    value: Float64Array.from(value),
  });
  it('of the same settings: the mean of those that got there, from the least to the greatest', () => {
    const { curve: mean, band } = together([
      curve(4, [1, 2, 3], [1, 2, 3]),
      curve(7, [1, 3], [3, 5]),
      curve(9, [1], [5]),
    ]);
    expect(mean.trial).toBe(4);
    expect(Array.from(mean.value)).toEqual([3, 3, 4]); // at step 2 the second lies between its points
    expect(Array.from(band.low)).toEqual([1, 2, 3]);
    expect(Array.from(band.high)).toEqual([5, 4, 5]);
  });
  it('of instances: the mean until each, with its standard error', () => {
    const { curve: mean, band } = runningMean(curve(0, [1, 2, 3], [1, 3, NaN]));
    expect(Array.from(mean.value)).toEqual([1, 2, 2]);
    expect(Array.from(band.low)).toEqual([1, 1, 1]); // sqrt(2 / 2)
    expect(Array.from(band.high)).toEqual([1, 3, 3]);
  });
});

it('what was spent until each trial ended goes by the order of their ends', () => {
  const t = new Trials();
  t.merge({
    rows: 3,
    seq: 1,
    full: true,
    columns: [
      column('number', Int32Array.from([0, 1, 2])),
      column('ended_at', Float64Array.from([20, 10, NaN])),
      column('last_step', Float64Array.from([5, 3, 9])),
    ],
  });
  expect(byEnd(t)).toEqual([1, 0]);
  expect(Array.from(spent(t, 'last_step'))).toEqual([8, 3, NaN]);
  expect(Array.from(spent(t, 'cost'))).toEqual([0, 0, NaN]);
});
