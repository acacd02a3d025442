// SPDX-License-Identifier: Apache-2.0

export type Choice = 'system' | 'light' | 'dark';

/** Which colours hold. Canvases read them from the style sheet and draw again when `version` changes. */
class Theme {
  choice = $state<Choice>(read('theme', ['system', 'light', 'dark'], 'system'));
  version = $state(0);
  private prefersDark = globalThis.matchMedia?.('(prefers-color-scheme: dark)');

  constructor() {
    this.prefersDark?.addEventListener('change', () => this.apply());
    if (globalThis.document) this.apply();
  }
  get dark() {
    return this.choice === 'dark' || (this.choice === 'system' && !!this.prefersDark?.matches);
  }
  choose(choice: Choice) {
    this.choice = choice;
    localStorage.setItem('theme', choice);
    this.apply();
  }
  toggle() {
    this.choose(this.dark ? 'light' : 'dark');
  }
  private apply() {
    document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
    colours.clear();
    this.version += 1;
  }
}

function read<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  const value = globalThis.localStorage?.getItem(key) as T | null;
  return value && allowed.includes(value) ? value : otherwise;
}

const colours = new Map<string, string>();
export const theme = new Theme();

/** A custom property of the style sheet, without its dashes. */
export function colour(name: string): string {
  let value = colours.get(name);
  if (value === undefined)
    colours.set(
      name,
      (value = getComputedStyle(document.documentElement)
        .getPropertyValue('--' + name)
        .trim()),
    );
  return value;
}

/** From the worst (0) to the best (1): 32 steps between the sheet's four stops. */
export function ramp(): string[] {
  const stops = ['ramp-0', 'ramp-1', 'ramp-2', 'ramp-3'].map((n) => rgb(colour(n)));
  return Array.from({ length: 32 }, (_, i) => {
    const x = (i / 31) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(x));
    const mix = stops[k].map((c, j) => Math.round(c + (stops[k + 1][j] - c) * (x - k)));
    return `rgb(${mix.join(' ')})`;
  });
}

function rgb(hex: string): number[] {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}
