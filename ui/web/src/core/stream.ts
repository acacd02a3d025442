// SPDX-License-Identifier: Apache-2.0
import { offline } from './offline';

export type Link = 'connecting' | 'live' | 'lost';

/** Seconds to wait before the n-th try: doubling from half a second to half a minute, with a fifth of chance. */
export function backoff(tries: number, chance = Math.random()): number {
  return Math.min(30, 0.5 * 2 ** tries) * (0.8 + 0.4 * chance);
}

export interface Watcher {
  on: Record<string, (data: unknown) => void>; // by the event's name
  link: (state: Link) => void;
}

/**
 * Server-sent events that come back: the browser repeats short losses by itself (and says from which id on); where it
 * gives up, we try again, ever more slowly. Returns what ends it.
 */
export function watch(path: string, { on, link }: Watcher): () => void {
  if (offline) return () => {};
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let tries = 0;
  let over = false;
  const open = () => {
    link('connecting');
    source = new EventSource(path);
    source.onopen = () => {
      tries = 0;
      link('live');
    };
    source.onerror = () => {
      link('lost');
      if (source?.readyState !== EventSource.CLOSED || over) return;
      timer = setTimeout(open, backoff(tries++) * 1000);
    };
    for (const [name, then] of Object.entries(on))
      source.addEventListener(name, (event) => {
        const text = (event as MessageEvent).data;
        then(text ? JSON.parse(text) : null);
      });
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    source?.close();
  };
}
