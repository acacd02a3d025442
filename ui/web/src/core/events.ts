// SPDX-License-Identifier: Apache-2.0
import type { Event } from './api';

/** Both lists as one, the newest first and each record once. */
export function merged(known: Event[], more: Event[]): Event[] {
  const all = new Map([...known, ...more].map((e) => [e.seq, e]));
  return [...all.values()].sort((a, b) => b.seq - a.seq);
}

/** Is something missing between what is known and a full page of the newest? Both newest first. */
export function gap(newest: Event[], known: Event[]): boolean {
  return known.length > 0 && newest.length > 0 && newest.at(-1)!.seq > known[0].seq;
}
