// SPDX-License-Identifier: Apache-2.0
import { at, get, real, type Table, type Value } from './api';

export type Row = Record<string, number | string | null>;

/** A view of the store as rows with names. */
export async function view(
  experiment: string,
  name: 'rungs' | 'lineage' | 'attempts' | 'checkpoints' | 'allocations',
  signal?: AbortSignal,
): Promise<Row[]> {
  return rowsOf(await get<Table>(`${at(experiment)}/${name}`, signal));
}

function rowsOf(table: Table): Row[] {
  return table.rows.map((row) => Object.fromEntries(table.columns.map((c, i) => [c, row[i]])));
}

/** The workers of an experiment, and why trials wait for room; empty: none does. */
export async function workersOf(experiment: string, signal?: AbortSignal): Promise<{ rows: Row[]; waiting: string }> {
  const table = await get<Table & { waiting?: string }>(`${at(experiment)}/workers`, signal);
  return { rows: rowsOf(table), waiting: table.waiting ?? '' };
}

/** What a worker may be asked for. Nobody asks this machine, which no agent offers, nor one that goes or is gone. */
export function askable(worker: Row): string[] {
  if (!worker.agent || worker.state === 'lost' || worker.state === 'draining') return [];
  return worker.state === 'cordoned' || worker.state === 'quarantined' ? ['uncordon', 'drain'] : ['cordon', 'drain'];
}

/** Allocations that are not over first, then the newest. */
export function inOrder(allocations: Row[]): Row[] {
  const over = (a: Row) => Number(['ended', 'failed', 'lost'].includes(String(a.state)));
  return [...allocations].sort((a, b) => over(a) - over(b) || Number(b.allocation) - Number(a.allocation));
}

/** A stretch of the course that a trial descends from. */
export interface Stretch {
  trial: number;
  from_step: number;
  to_step: number;
  donor: number | null;
  params: Record<string, Value>;
}

/** Each parameter over the steps of a course: the numbers, or where it is none their places among `words`. */
export interface Course {
  name: string;
  x: number[];
  y: (number | null)[];
  words: string[];
}
export function courses(stretches: Stretch[]): Course[] {
  const names = [...new Set(stretches.flatMap((s) => Object.keys(s.params)))];
  const shown = stretches.filter((s) => s.to_step > s.from_step);
  return names
    .map((name) => {
      const course: Course = { name, x: [], y: [], words: [] };
      for (const s of shown) {
        const v = real(s.params[name]);
        let y = v;
        if (v === null && s.params[name] !== undefined && s.params[name] !== null) {
          const word = String(s.params[name]);
          y = course.words.indexOf(word);
          if (y < 0) y = course.words.push(word) - 1;
        }
        course.x.push(s.from_step, s.to_step);
        course.y.push(y, y);
      }
      return course;
    })
    .filter((c) => c.y.some((v) => v !== null));
}

/** A trial or attempt that occupied a slot, for a timeline. */
export interface Span {
  trial: number;
  attempt: number;
  worker: number;
  lane: number;
  begin: number;
  end: number | null;
  cause: string | null;
}

/**
 * Puts each attempt in the lowest free lane of its worker: a lane is a slot as far as can be seen from outside. Trials are launched
 * ahead of their slots, so an attempt takes one only once it has started.
 */
export function lanes(attempts: Row[], now: number): { spans: Span[]; lanes: { worker: number; lane: number }[] } {
  const spans: Span[] = attempts
    .filter((a) => a.started_at !== null || a.ended_at !== null)
    .map((a) => ({
      trial: Number(a.number),
      attempt: Number(a.attempt),
      worker: Number(a.worker ?? 0),
      lane: 0,
      begin: Number(a.started_at ?? a.ended_at),
      end: a.ended_at === null ? null : Number(a.ended_at),
      cause: a.cause as string | null,
    }))
    .sort((a, b) => a.begin - b.begin);
  const free = new Map<number, number[]>(); // worker -> when each of its lanes is free
  for (const s of spans) {
    let ends = free.get(s.worker);
    if (!ends) free.set(s.worker, (ends = []));
    let lane = ends.findIndex((end) => end <= s.begin + 1e-6);
    if (lane < 0) lane = ends.push(0) - 1;
    ends[lane] = s.end ?? now;
    s.lane = lane;
  }
  const all = [...free]
    .sort((a, b) => a[0] - b[0])
    .flatMap(([worker, ends]) => ends.map((_, lane) => ({ worker, lane })));
  return { spans, lanes: all };
}
