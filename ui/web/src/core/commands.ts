// SPDX-License-Identifier: Apache-2.0
import type { Action } from './api';
import { shell } from './format';

/** The command that does the same as an action of the page. */
export function asCommand(experiment: string, a: Action): string {
  const trials = (a.trials ?? []).map((n) => shell(`${experiment}/${n}`));
  const subject = trials.length ? trials.join(' ') : shell(experiment);
  const each = (verb: string, rest: string) =>
    subject
      .split(' ')
      .map((one) => `${verb} ${one} ${rest}`)
      .join('\n');
  const reason = a.reason ? ` --reason ${shell(a.reason)}` : '';
  switch (a.action) {
    case 'enqueue':
      return `tune enqueue ${shell(experiment)} ${Object.entries(a.params ?? {})
        .map(([k, v]) => `-p ${shell(`${k}=${v}`)}`)
        .join(' ')}${reason}`;
    case 'set':
      return `tune set ${shell(experiment)} ${(a.settings ?? []).map(shell).join(' ')}`;
    case 'tag':
      return each(`tune tag`, (a.tags ?? []).map(shell).join(' '));
    case 'note':
      return each('tune note', shell(a.note ?? ''));
    case 'star':
      return each('tune note', a.on === false ? '--unstar' : '--star');
    default:
      return `tune ${a.action} ${subject}${reason}`;
  }
}
