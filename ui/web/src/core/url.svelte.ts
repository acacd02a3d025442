// SPDX-License-Identifier: Apache-2.0
// The address is the state of the view: a page and its query. Whoever gets the link sees the same. A page that came as a file
// has all of it behind the `#`.
import { offline } from './offline';

export interface Place {
  page: string; // list, overview, trials, trial, … or compare-experiments
  experiment: string;
  trial: number | null;
}

export const pages = [
  'explore',
  'curves',
  'trials',
  'schedule',
  'pareto',
  'model',
  'config',
  'workers',
  'events',
  'compare',
] as const;

export function parse(path: string): Place | null {
  const parts = path.split('/').filter(Boolean);
  const none = { experiment: '', trial: null };
  if (!parts.length) return { page: 'list', ...none };
  if (parts[0] === 'compare' && parts.length === 1) return { page: 'compare-experiments', ...none };
  if (parts[0] !== 'x' || parts.length < 2 || parts.length > 4) return null;
  let experiment: string;
  try {
    experiment = decodeURIComponent(parts[1]);
  } catch {
    return null;
  }
  if (parts.length === 2) return { page: 'overview', experiment, trial: null };
  if (parts.length === 4)
    return parts[2] === 'trials' && /^\d+$/.test(parts[3])
      ? { page: 'trial', experiment, trial: Number(parts[3]) }
      : null;
  return (pages as readonly string[]).includes(parts[2]) ? { page: parts[2], experiment, trial: null } : null;
}

export function href(experiment: string, page = '', query: Record<string, string> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, v]) => v !== '')).toString();
  return `${before}/x/${encodeURIComponent(experiment)}${page ? '/' + page : ''}${search ? '?' + search : ''}`;
}
const before = offline ? '#' : '';
export const home = before + '/';

/** Path and search, as they are now. */
function here(): [path: string, search: string] {
  if (!offline) return [globalThis.location?.pathname ?? '/', globalThis.location?.search ?? ''];
  const [path, search = ''] = location.hash.slice(1).split('?');
  return [path || '/', search];
}

class Address {
  path = $state(here()[0]);
  private search = $state(here()[1]);
  readonly query = $derived(new URLSearchParams(this.search));
  readonly place = $derived(parse(this.path));

  constructor() {
    globalThis.addEventListener?.('popstate', () => this.read());
  }
  go(to: string) {
    history.pushState(null, '', to);
    this.read();
    scrollTo(0, 0);
  }
  get(name: string, otherwise = ''): string {
    return this.query.get(name) ?? otherwise;
  }
  /** Changes of the view replace the entry: Back leaves the page, it does not undo brushes. */
  set(changes: Record<string, string | null>) {
    const query = new URLSearchParams(this.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const search = query.toString();
    history.replaceState(null, '', before + this.path + (search ? '?' + search : ''));
    this.read();
  }
  private read() {
    if (offline && !/^(#\/|$)/.test(location.hash)) return; // An anchor within the page is no place.
    [this.path, this.search] = here();
  }
}

export const address = new Address();

/** Follows links of our own without loading the page anew. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element).closest?.('a[href]');
  if (
    !(link instanceof HTMLAnchorElement) ||
    link.target ||
    link.hasAttribute('download') ||
    link.origin !== location.origin ||
    link.pathname.startsWith('/api/') ||
    link.pathname === '/metrics'
  )
    return;
  if (offline && !link.hash.startsWith('#/')) return;
  event.preventDefault();
  address.go(offline ? link.hash : link.pathname + link.search);
}
