// SPDX-License-Identifier: Apache-2.0
// A page that `tune export --format html` wrote carries the answers that it would get (ui/server/offline_page.hpp). Where this
// page is one, they are looked up here, and nobody is asked.
import { Refusal, type Event } from './api';
import { readColumns, type Columns } from './columns';

export interface Told {
  name: string;
  trials: number;
  details: number; // trials with details, stories and curves
  logs: number; // of these, those with logs
  every_event: boolean;
  best: number[]; // trials, best first, as far as curves are held
}
interface Contents {
  version: string;
  made: number;
  experiments: Told[];
  answers: Record<string, [chapter: number, from: number, length: number, status?: number]>;
}

const root = '/api/v1/experiments';

export class Offline {
  private chapters = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  readonly contents: Promise<Contents>;

  constructor(
    private readonly sources: ArrayLike<{ textContent: string | null }>,
    contents: string,
  ) {
    this.contents = unpack(contents).then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
  }

  async json(url: string): Promise<unknown> {
    const { path, query, name } = read(url);
    if (path === root)
      return {
        experiments: await Promise.all((await this.contents).experiments.map((e) => this.json(`${root}/${e.name}`))),
      };
    if (path.endsWith('/events')) return { events: await this.events(path, query) };
    // The end of a log is all there is, and nothing is added to it.
    const log = path.endsWith('/log');
    const key = log ? `${path}?attempt=${query.get('attempt')}&stream=${query.get('stream')}` : path;
    const bytes = await this.answer(key);
    if (!bytes) throw await this.missing(name, path);
    const answer = JSON.parse(new TextDecoder().decode(bytes));
    return log ? { ...answer, over: true } : answer;
  }

  async columns(url: string): Promise<Columns> {
    const { path, query, name } = read(url);
    if (path.endsWith('/curves')) return this.curves(path, query, name);
    const bytes = await this.answer(path);
    if (!bytes) throw await this.missing(name, path);
    return readColumns(bytes.slice().buffer);
  }

  /** As the server picks them: newest first before one, or oldest first after one. */
  private async events(path: string, query: URLSearchParams): Promise<Event[]> {
    const all = new Map<number, Event>();
    for (let page = 0, bytes; (bytes = await this.answer(`${path}/${page}`)); ++page)
      for (const e of JSON.parse(new TextDecoder().decode(bytes)).events as Event[]) all.set(e.seq, e);
    const kinds = query.get('kinds')?.split(',');
    const trial = query.get('trial');
    const before = query.get('before');
    const found = [...all.values()]
      .filter(
        (e) =>
          (!kinds || kinds.includes(e.kind)) &&
          (trial === null || e.trial === Number(trial)) &&
          (before === null ? e.seq > Number(query.get('after')) : e.seq < Number(before)),
      )
      .sort((a, b) => a.seq - b.seq);
    const limit = Number(query.get('limit') ?? 200);
    return before === null ? found.slice(0, limit) : found.slice(-limit);
  }

  /** Those of the trials, or of the best, out of the blocks in which a metric's curves are held. */
  private async curves(path: string, query: URLSearchParams, name: string): Promise<Columns> {
    const { experiments } = await this.contents;
    const best = experiments.find((e) => e.name === name)?.best ?? [];
    const wanted = query.get('trials')?.split(',').map(Number) ?? best.slice(0, Number(query.get('top') ?? 30));
    const missing = new Set(wanted);
    const found = new Map<number, [Columns, number, number]>();
    for (let block = 0; missing.size; ++block) {
      const bytes = await this.answer(`${path}/${block}/${query.get('metric')}`);
      if (!bytes && !block) throw await this.missing(name, path);
      if (!bytes) break;
      const columns = readColumns(bytes.slice().buffer);
      const trial = columns.columns.find((c) => c.name === 'trial')!.data;
      for (let begin = 0, end = 0; begin < columns.rows; begin = end) {
        while (end < columns.rows && trial[end] === trial[begin]) ++end;
        if (missing.delete(trial[begin])) found.set(trial[begin], [columns, begin, end]);
      }
    }
    const parts = wanted.flatMap((t) => (found.has(t) ? [found.get(t)!] : []));
    const rows = parts.reduce((sum, [, begin, end]) => sum + end - begin, 0);
    const columns = ['trial', 'step', 'at', 'value'].map((column) => {
      const data = new Float64Array(rows);
      let at = 0;
      for (const [from, begin, end] of parts) {
        data.set(from.columns.find((c) => c.name === column)!.data.subarray(begin, end), at);
        at += end - begin;
      }
      return { name: column, type: 'f64' as const, offset: 0, data };
    });
    return { rows, seq: 0, full: true, columns };
  }

  /** What a name stands for; null: it is not in this file. A refusal that was told is one again. */
  private async answer(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const { answers } = await this.contents;
    if (!Object.hasOwn(answers, name)) return null;
    const [chapter, from, length, status] = answers[name];
    const bytes = (await this.chapter(chapter)).subarray(from, from + length);
    if (!status) return bytes;
    const { error } = JSON.parse(new TextDecoder().decode(bytes));
    throw new Refusal(error.code, error.message, error.hint, status);
  }
  /** Unpacked when it is first read; the last few are kept. */
  private chapter(number: number) {
    const kept = this.chapters.get(number) ?? unpack(this.sources[number].textContent ?? '');
    this.chapters.delete(number);
    this.chapters.set(number, kept);
    if (this.chapters.size > 16) this.chapters.delete(this.chapters.keys().next().value!);
    return kept;
  }

  private async missing(name: string, path: string): Promise<Refusal> {
    const told = (await this.contents).experiments.find((e) => e.name === name);
    const trial = /\/trials\/(\d+)/.exec(path)?.[1];
    const title = !told
      ? `The experiment ${name} is not in this file.`
      : path.endsWith('/log')
        ? `This log is not in this file, which holds those of ${told.logs} of ${told.trials} trials.`
        : trial
          ? `Trial ${trial} is not among the ${told.details} of ${told.trials} whose details are in this file: the best, the failed and the newest.`
          : 'This is not in this file.';
    const more = told
      ? `tune export ${name} --format html --details ${told.trials}`
      : `tune export ${name} --format html`;
    return new Refusal('offline', title, `${more} writes one that has it; tune ui shows everything.`, 404);
  }
}

function read(url: string) {
  const [path, search = ''] = url.split('?');
  return {
    path,
    query: new URLSearchParams(search),
    name: decodeURIComponent(path.slice(root.length + 1).split('/')[0]),
  };
}

async function unpack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const elements = (type: string) => globalThis.document?.querySelectorAll(`script[type="application/x-tune-${type}"]`);

/** null: this page has a server. */
export const offline = elements('contents')?.length
  ? new Offline(elements('chapter'), elements('contents')[0].textContent ?? '')
  : null;
