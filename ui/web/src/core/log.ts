// SPDX-License-Identifier: Apache-2.0
import { at, get } from './api';

/** A piece of what a trial printed, by bytes; `from` below zero counts from the end. */
export interface Piece {
  text: string;
  from: number;
  to: number;
  size: number;
  over: boolean; // nothing more will come
}

export const piece = (
  experiment: string,
  trial: number,
  of: { attempt: number; stream: string; from: number; limit: number },
  signal?: AbortSignal,
) =>
  get<Piece>(
    `${at(experiment)}/trials/${trial}/log?attempt=${of.attempt}&stream=${of.stream}&from=${of.from}&limit=${of.limit}`,
    signal,
  );

/** Without the colours of terminals, and with the last of what a progress bar wrote over itself. */
export function plain(raw: string): string {
  // eslint-disable-next-line no-control-regex
  return raw
    .replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07/g, '')
    .replace(/[^\n]*\r(?!\n)/g, '')
    .replace(/\r\n/g, '\n');
}
