// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Refusal } from './api';
import { writeColumns } from './columns';
import { Offline } from './offline';

const root = '/api/v1/experiments/digits';

async function packed(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return btoa(String.fromCharCode(...new Uint8Array(await new Response(stream).arrayBuffer())));
}
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A file with these answers, two to a chapter. */
async function file(answers: Record<string, Uint8Array<ArrayBuffer>>, refused: Record<string, number> = {}) {
  const places: Record<string, number[]> = {};
  const chapters: Uint8Array<ArrayBuffer>[] = [];
  Object.entries(answers).forEach(([name, bytes], i) => {
    const before = i % 2 ? chapters[chapters.length - 1] : new Uint8Array();
    const joined = new Uint8Array([...before, ...bytes]);
    if (i % 2) chapters[chapters.length - 1] = joined;
    else chapters.push(joined);
    places[name] = [chapters.length - 1, before.length, bytes.length, ...(refused[name] ? [refused[name]] : [])];
  });
  const experiments = [{ name: 'digits', trials: 9, details: 2, logs: 2, every_event: true, best: [3, 1] }];
  const contents = await packed(text({ version: '1', made: 0, experiments, answers: places }));
  return new Offline(await Promise.all(chapters.map(async (c) => ({ textContent: await packed(c) }))), contents);
}

const curve = (trials: number[]) => {
  const f64 = (name: string, data: number[]) => ({ name, type: 'f64' as const, data: Float64Array.from(data) });
  const each = (of: (t: number, step: number) => number) => trials.flatMap((t) => [of(t, 1), of(t, 2)]);
  const columns = [
    f64(
      'trial',
      each((t) => t),
    ),
    f64(
      'step',
      each((_, s) => s),
    ),
    f64(
      'at',
      each(() => 0),
    ),
  ];
  return new Uint8Array(
    writeColumns({ rows: trials.length * 2, seq: 1, full: true }, [
      ...columns,
      f64(
        'value',
        each((t, s) => t * 10 + s),
      ),
    ]),
  );
};

describe('a page that came as a file', () => {
  it('finds an answer within its chapter', async () => {
    const page = await file({ [root]: text({ name: 'digits' }), [`${root}/trials/3`]: text({ number: 3 }) });
    expect(await page.json(`${root}/trials/3`)).toEqual({ number: 3 });
    expect(await page.json('/api/v1/experiments')).toEqual({ experiments: [{ name: 'digits' }] });
  });

  it('says what it does not hold, and refuses what the server refused', async () => {
    const error = { error: { code: 'invalid', message: 'too few trials', hint: '' } };
    const page = await file({ [`${root}/importance`]: text(error) }, { [`${root}/importance`]: 400 });
    await expect(page.json(`${root}/trials/7`)).rejects.toThrow('Trial 7 is not among the 2 of 9');
    await expect(page.json('/api/v1/experiments/other')).rejects.toThrow('The experiment other is not in this file.');
    await expect(page.json(`${root}/importance`)).rejects.toEqual(new Refusal('invalid', 'too few trials', '', 400));
    await expect(page.json('constructor')).rejects.toThrow('not in this file');
  });

  it('picks events as the server does', async () => {
    const event = (seq: number, kind: string, trial: number | null) => ({ seq, kind, trial });
    const [a, b, c, d] = [
      event(1, 'Configured', null),
      event(5, 'Stop', 2),
      event(6, 'Stop', 3),
      event(7, 'Exited', 3),
    ];
    const page = await file({
      [`${root}/events/0`]: text({ events: [a] }),
      [`${root}/events/1`]: text({ events: [a, b, c, d] }),
    });
    const asked = async (query: string) =>
      ((await page.json(`${root}/events?${query}`)) as { events: unknown[] }).events;
    expect(await asked('limit=2&before=100')).toEqual([c, d]);
    expect(await asked('limit=9&before=7&kinds=Stop')).toEqual([b, c]);
    expect(await asked('limit=9&before=100&trial=3')).toEqual([c, d]);
    expect(await asked('kinds=Configured&limit=50&after=0')).toEqual([a]);
  });

  it('gives the curves that were asked for, in that order, out of several blocks', async () => {
    const page = await file({ [`${root}/curves/0/a?b`]: curve([3, 1]), [`${root}/curves/1/a?b`]: curve([8]) });
    const values = async (query: string) => [
      ...(await page.columns(`${root}/curves?metric=a%3Fb&${query}`)).columns[3].data,
    ];
    expect(await values('trials=8,3')).toEqual([81, 82, 31, 32]);
    expect(await values('top=1')).toEqual([31, 32]);
    expect(await values('trials=99')).toEqual([]);
    await expect(page.columns(`${root}/curves?metric=c&top=1`)).rejects.toThrow('not in this file');
  });

  it('has the end of a log, which does not go on', async () => {
    const page = await file({
      [`${root}/trials/3/log?attempt=1&stream=stderr`]: text({ text: 'end', from: 90, over: false }),
    });
    const log = `${root}/trials/3/log?attempt=1&stream=stderr&from=-65536&limit=262144`;
    expect(await page.json(log)).toEqual({ text: 'end', from: 90, over: true });
    await expect(page.json(log.replace('stderr', 'stdout'))).rejects.toThrow('This log is not in this file');
  });
});
