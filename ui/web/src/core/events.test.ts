// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Event } from './api';
import { gap, merged } from './events';

const events = (...seqs: number[]) => seqs.map((seq) => ({ seq }) as Event);

describe('pages of events', () => {
  it('become one list, the newest first, whichever came first', () => {
    expect(merged(events(9, 7, 4), events(12, 9))).toEqual(events(12, 9, 7, 4));
    expect(merged(events(9, 7), events(4, 1))).toEqual(events(9, 7, 4, 1));
  });
  it('have a gap where the newest do not reach back to what is known', () => {
    expect(gap(events(30, 20), events(10, 5))).toBe(true);
    expect(gap(events(30, 10), events(10, 5))).toBe(false);
    expect(gap(events(30, 20), [])).toBe(false);
  });
});
