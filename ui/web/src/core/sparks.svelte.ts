// SPDX-License-Identifier: Apache-2.0
import { curves, type TrialCurve } from './curves';

const points = 40;
const most = 3000; // kept

/**
 * Curves of the trials in sight, fetched when scrolling has come to rest: one request at a time, at most one a second
 * while trials report.
 */
export class Sparks {
  private version = $state(0); // counts up when curves came
  private known = new Map<number, { curve: TrialCurve | null; reports: number }>();
  private wanted: { trial: number; reports: number }[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private over = new AbortController();
  constructor(
    private readonly experiment: string,
    private readonly metric: string,
  ) {}
  close() {
    this.over.abort();
    clearTimeout(this.timer);
  }

  curve(trial: number): TrialCurve | null {
    void this.version;
    return this.known.get(trial)?.curve ?? null;
  }
  /** The trials in sight, with how much they have reported. */
  want(trials: { trial: number; reports: number }[]) {
    this.wanted = trials;
    this.later(120);
  }

  private later(milliseconds: number) {
    if (this.timer === undefined && this.missing().length)
      this.timer = setTimeout(() => void this.fetch(), milliseconds);
  }
  private missing() {
    return this.wanted.filter(({ trial, reports }) => reports > 1 && this.known.get(trial)?.reports !== reports);
  }
  private async fetch() {
    const asked = this.missing();
    if (asked.length) await this.read(asked);
    if (this.over.signal.aborted) return;
    this.timer = undefined;
    this.later(1000);
  }
  private async read(asked: { trial: number; reports: number }[]) {
    try {
      const found = await curves(
        this.experiment,
        this.metric,
        { trials: asked.map((a) => a.trial) },
        points,
        this.over.signal,
      );
      if (this.known.size > most) this.known.clear();
      const of = new Map(found.map((curve) => [curve.trial, curve]));
      for (const { trial, reports } of asked) this.known.set(trial, { curve: of.get(trial) ?? null, reports });
      this.version += 1;
    } catch {
      // What could not be had is asked for again when it has reported more.
      for (const { trial, reports } of asked)
        this.known.set(trial, { curve: this.known.get(trial)?.curve ?? null, reports });
    }
  }
}

/** A path of `width` by `height`; the width stands for `steps`, so that who was stopped early is short. */
export function sparkPath(curve: TrialCurve, steps: number, width: number, height: number): string {
  let low = Infinity;
  let high = -Infinity;
  for (const v of curve.value) if (Number.isFinite(v)) ((low = Math.min(low, v)), (high = Math.max(high, v)));
  if (!(low <= high)) return '';
  let path = '';
  let gap = true;
  for (let i = 0; i < curve.value.length; ++i) {
    const v = curve.value[i];
    if (!Number.isFinite(v)) gap = true;
    else {
      const x = 1 + (curve.step[i] / (steps || 1)) * (width - 2);
      const y = high > low ? 2 + ((high - v) / (high - low)) * (height - 4) : height / 2;
      path += `${gap ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      gap = false;
    }
  }
  return path;
}
