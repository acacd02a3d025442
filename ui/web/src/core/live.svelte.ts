// SPDX-License-Identifier: Apache-2.0
import { at, get, getColumns, type Detail, type Refusal } from './api';
import { watch, type Link } from './stream';
import { Trials } from './trials';

/**
 * One experiment as it is now: read once, then followed. Components read `trials` and depend on `version`.
 * Changes come at most four times a second; while one is being fetched the next ones wait and are fetched together.
 */
export class Live {
  detail = $state.raw<Detail | null>(null);
  trouble = $state.raw<Refusal | null>(null);
  link = $state<Link>('connecting');
  version = $state(0); // counts up when trials changed
  loaded = $state(false);
  held = $state(false); // the reader wants the page to stand still
  readonly trials = new Trials();
  private end: () => void = () => {};
  private busy = false;
  private again = false;
  private whole = false;
  private over = new AbortController();

  constructor(readonly name: string) {
    void this.start();
  }
  close() {
    this.over.abort();
    this.end();
  }
  /** Reads everything again. */
  async reload() {
    this.whole = true;
    await this.refresh();
  }
  hold(held: boolean) {
    this.held = held;
    if (!held) void this.refresh();
  }

  private async start() {
    await this.reload();
    if (this.over.signal.aborted) return;
    this.end = watch(`${at(this.name)}/stream`, {
      link: (state) => {
        // Without a stream we ask ourselves, as often as it tries to come back; what was missed comes with that.
        if (state === 'lost' || (state === 'live' && this.link !== 'live')) void this.refresh();
        this.link = state;
      },
      on: { change: () => void this.refresh(), resync: () => void this.reload() },
    });
  }

  private async refresh() {
    if (this.held && this.loaded) return;
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    do {
      this.again = false;
      const since = this.whole || !this.loaded ? '' : `?since=${this.trials.seq}`;
      this.whole = false;
      try {
        const [detail, columns] = await Promise.all([
          get<Detail>(at(this.name), this.over.signal),
          getColumns(`${at(this.name)}/columns${since}`, this.over.signal),
        ]);
        const touched = this.trials.merge(columns);
        // What is as it was stays the same object: whatever was computed and drawn from it is still right.
        if (JSON.stringify(detail) !== JSON.stringify(this.detail)) this.detail = detail;
        this.trouble = null;
        if (touched.length || !this.loaded) this.version += 1;
        this.loaded = true;
      } catch (trouble) {
        if (this.over.signal.aborted) break;
        this.trouble = trouble as Refusal;
      }
    } while (this.again);
    this.busy = false;
  }
}
