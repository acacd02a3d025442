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
    case 'cordon':
    case 'uncordon':
    case 'drain':
      return `tune workers ${a.action} ${a.worker} ${shell(experiment)}`;
    case 'star':
      return each('tune note', a.on === false ? '--unstar' : '--star');
    default:
      return `tune ${a.action} ${subject}${reason}`;
  }
}

/** What comes of an action on an experiment that nobody runs; empty: the same as ever. `serves`: this server can run it. */
export function unowned(experiment: string, a: Action, serves: boolean): string {
  if (['archive', 'tag', 'note', 'star'].includes(a.action)) return '';
  const goesOn = `tune resume ${shell(experiment)}`;
  if (a.action !== 'resume' || a.trials?.length)
    return `Nobody runs the experiment now. This is recorded, and holds when it goes on: ${goesOn}`;
  return serves
    ? 'Nobody runs it now: this server goes on with it.'
    : `Nobody runs it now, and this page cannot: here it is only recorded that no pause, stop or cancel holds any more. The command goes on with it.`;
}

/** The request that submits a config, for a shell. */
export function submission(store: string, origin: string, settings: string[]): string {
  const more = settings.length ? `, \\"settings\\": ${JSON.stringify(settings).replaceAll('"', '\\"')}` : '';
  return `curl -H "Authorization: Bearer $(cat ${shell(`${store}.d/token`)})" -H 'Content-Type: application/json' \\
  -d "{\\"config\\": $(cat config.json)${more}}" ${origin}/api/v1/experiments`;
}
