// SPDX-License-Identifier: Apache-2.0
// The address is the state of the view: a page and its query. Whoever gets the link sees the same.

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
  return `/x/${encodeURIComponent(experiment)}${page ? '/' + page : ''}${search ? '?' + search : ''}`;
}

class Address {
  path = $state(globalThis.location?.pathname ?? '/');
  private search = $state(globalThis.location?.search ?? '');
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
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const search = query.toString();
    history.replaceState(null, '', location.pathname + (search ? '?' + search : ''));
    this.read();
  }
  private read() {
    this.path = location.pathname;
    this.search = location.search;
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
  event.preventDefault();
  address.go(link.pathname + link.search);
}
