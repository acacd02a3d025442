// SPDX-License-Identifier: Apache-2.0

export interface Key {
  key: string; // as KeyboardEvent.key; with "ctrl+" in front
  does: string;
  run: () => void;
}

const active: Key[][] = [];

/** Keys of a page, for as long as it is shown; what was added last comes first. Returns what takes them away. */
export function keys(list: Key[]): () => void {
  active.push(list);
  return () => {
    const at = active.indexOf(list);
    if (at >= 0) active.splice(at, 1);
  };
}

export function known(): Key[] {
  const seen = new Set<string>();
  return active
    .toReversed()
    .flat()
    .filter((k) => !seen.has(k.key) && seen.add(k.key));
}

export function press(event: KeyboardEvent) {
  const target = event.target as HTMLElement;
  const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  const name = (event.ctrlKey || event.metaKey ? 'ctrl+' : '') + event.key;
  if (event.altKey || (typing && name !== 'ctrl+k' && !(event.key === 'Escape'))) return;
  // What has the focus is pressed by Enter itself.
  if (event.key === 'Enter' && target.closest('a, button')) return;
  const key = known().find((k) => k.key === name);
  if (!key) return;
  event.preventDefault();
  key.run();
}
