// SPDX-License-Identifier: Apache-2.0
// The server's answers (docs/api/openapi.json) and how to ask for them.
import { readColumns, type Columns } from './columns';
import { offline } from './offline';

export type Real = number | 'nan' | 'inf' | '-inf' | null;
export type Value = Real | string | boolean;

export interface Summary {
  name: string;
  state: 'new' | 'running' | 'finishing' | 'finished' | 'interrupted' | 'asked';
  owned: boolean;
  why: string | null;
  exit_code: number | null;
  created: number;
  tags: string[];
  note: string | null;
  star: boolean;
  archived: boolean;
  counts: Record<string, number>;
  trials: number;
  budget: number | null;
  best: { trial: number; value: Real; params: Record<string, Value> } | null;
  objectives: { metric: string; goal: 'minimize' | 'maximize' }[];
  seq: number;
  host: string;
  pid: number;
  tune: string;
  spark: Real[];
}

export interface Param {
  name: string;
  kind:
    | 'uniform'
    | 'loguniform'
    | 'int'
    | 'logint'
    | 'normal'
    | 'lognormal'
    | 'choice'
    | 'ordinal'
    | 'grid'
    | 'bool'
    | 'const';
  min: number | null;
  max: number | null;
  log: boolean;
  values: Value[]; // of a choice
  unit: string | null;
  doc: string | null;
  when: string | null;
}

export interface Detail extends Summary {
  config: Record<string, unknown>;
  params: Param[];
  metrics: string[];
  search: { type: string } & Record<string, unknown>;
  scheduler: { type: string } & Record<string, unknown>;
  executor: Record<string, unknown>;
  parallel: number | null;
  forecast: { left_seconds: number[]; slot_hours: number[] } | null;
  folder: string;
}

export interface Event {
  seq: number;
  at: number;
  kind: string;
  trial: number | null;
  text: string;
  by: string | null;
  why: string | null;
  note: Record<string, unknown> | null;
  because: number | null;
}

export interface Attempt {
  attempt: number;
  worker: number | null;
  pid: number | null;
  launched_at: number;
  started_at: number | null;
  ended_at: number | null;
  cause: string | null;
  exit_code: number | null;
  signal: number | null;
  seconds: number | null;
  cpu_seconds: number | null;
  peak_memory_bytes: number | null;
  checkpoint: string | null;
  text: string | null;
}

export interface Trial {
  number: number;
  state: string;
  cause: string | null;
  attempt: number;
  reports: number;
  last_step: number;
  until_step: number | null;
  proposed_at: number | null;
  launched_at: number | null;
  ended_at: number | null;
  values: Record<string, Real>;
  feasible: boolean;
  params: Record<string, Value>;
  metrics: Record<string, Real>;
  tags: string[];
  note: string | null;
  star: boolean;
  source: string | null;
  argv: string[];
  env: Record<string, string>;
  attempts: Attempt[];
  checkpoints: { step: number; hash: string; bytes: number; state: string }[];
}

export interface Table {
  columns: string[];
  rows: (number | string | null)[][];
}

export interface Importance {
  method: string;
  trials: number;
  notice: string | null;
  params: { name: string; share: number; low: number | null; high: number | null }[];
  pairs: { a: string; b: string; share: number }[];
}

/** What fANOVA's forest expects where two parameters are given: a row of y for each x. */
export interface Surface {
  objective: string;
  trials: number;
  notice: string | null;
  x: { name: string; values: Value[] };
  y: { name: string; values: Value[] };
  mean: number[];
  spread: number[];
}

export interface Action {
  action: string;
  trials?: number[];
  worker?: number;
  params?: Record<string, unknown>;
  settings?: string[];
  priority?: number;
  tags?: string[];
  note?: string;
  on?: boolean;
  reason?: string;
}

/** A refusal of the server, in its own words. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const root = '/api/v1';
export const at = (name: string) => `${root}/experiments/${encodeURIComponent(name)}`;

async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', ...options });
  } catch (trouble) {
    if (options.signal?.aborted) throw trouble;
    throw new Refusal(
      'unreachable',
      'The server does not answer.',
      'Is tune ui still running? The page goes on by itself when it is back.',
      0,
    );
  }
  if (answer.ok) return answer;
  let said: { error?: { code?: string; message?: string; hint?: string } } = {};
  try {
    said = await answer.json();
  } catch {
    // Not ours: a proxy's page, say.
  }
  const hint =
    answer.status === 401 || answer.status === 403
      ? 'Open the address that tune ui printed: it carries the token.'
      : '';
  throw new Refusal(
    said.error?.code ?? String(answer.status),
    said.error?.message || `The server answered ${answer.status}.`,
    said.error?.hint || hint,
    answer.status,
  );
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return offline ? ((await offline.json(path)) as T) : (await ask(path, { signal })).json();
}

export async function getColumns(path: string, signal?: AbortSignal): Promise<Columns> {
  return offline ? offline.columns(path) : readColumns(await (await ask(path, { signal })).arrayBuffer());
}

export const experiments = (signal?: AbortSignal) => get<{ experiments: Summary[] }>(`${root}/experiments`, signal);
export const server = () => get<{ version: string; store: string; read_only: boolean; now: number }>(`${root}/server`);

/** What a `tune serve` runs, or will; `serves` is false on a server that only shows. */
export interface Served {
  serves: boolean;
  experiments: { name: string; state: 'waiting' | 'running' | 'ending' | 'over'; text: string; failed: boolean }[];
}
export const served = () => get<Served>(`${root}/served`);
export const submit = (submission: { config: unknown; settings: string[] }) => post(`${root}/experiments`, submission);
export const runHere = (name: string) => post(`${at(name)}/run`, {});
export const endHere = (name: string) => post(`${at(name)}/end`, {});

export const streamOfAll = `${root}/stream`;

async function post(path: string, what: unknown): Promise<void> {
  await ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(what) });
}
export const act = (name: string, action: Action): Promise<void> => post(`${at(name)}/actions`, action);

/** "nan", "inf" and "-inf" back to numbers; absent is null. */
export function real(v: Value | undefined): number | null {
  if (typeof v === 'number') return v;
  return v === 'nan' ? NaN : v === 'inf' ? Infinity : v === '-inf' ? -Infinity : null;
}
