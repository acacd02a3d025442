// SPDX-License-Identifier: Apache-2.0
import type { Action } from './api';
import { shell } from './format';

/** The command that does the same as an action of the page. */
export function asCommand(experiment: string, a: Action): string {
  const subjects = a.trials?.length ? a.trials.map((n) => shell(`${experiment}/${n}`)) : [shell(experiment)];
  const subject = subjects.join(' ');
  const each = (verb: string, rest: string) => subjects.map((one) => `${verb} ${one} ${rest}`).join('\n');
  const reason = a.reason ? ` --reason ${shell(a.reason)}` : '';
  switch (a.action) {
    case 'enqueue':
      return `tune enqueue ${shell(experiment)} ${Object.entries(a.params ?? {})
        .map(([k, v]) => `-p ${shell(`${k}=${v}`)}`)
        .join(' ')}${a.priority === undefined ? '' : ` --priority ${a.priority}`}${reason}`;
    case 'priority':
      return `tune priority ${subject} --to ${a.priority}${reason}`;
    case 'archive':
      return `tune ${a.on === false ? 'unarchive' : 'archive'} ${subject}${reason}`;
    case 'set':
      return `tune set ${shell(experiment)} ${(a.settings ?? []).map(shell).join(' ')}`;
    case 'tag':
      return each('tune tag', (a.tags ?? []).map((tag) => (a.on === false ? '--drop ' : '') + shell(tag)).join(' '));
    case 'note':
      return each('tune note', shell(a.note ?? ''));
    case 'star':
      return each('tune note', a.on === false ? '--unstar' : '--star');
    default:
      return `tune ${a.action} ${subject}${reason}`;
  }
}

/** The request that submits a config, for a shell. */
export function submission(store: string, origin: string, settings: string[]): string {
  const more = settings.length ? `, \\"settings\\": ${JSON.stringify(settings).replaceAll('"', '\\"')}` : '';
  return `curl -H "Authorization: Bearer $(cat ${shell(`${store}.d/token`)})" -H 'Content-Type: application/json' \\
  -d "{\\"config\\": $(cat config.json)${more}}" ${origin}/api/v1/experiments`;
}
