// SPDX-License-Identifier: Apache-2.0
// Numbers and durations for people: always a point, never the locale's comma, so that what is shown can be pasted.

export function number(v: number | string | boolean | null | undefined, digits = 4): string {
  if (v === null || v === undefined) return '–';
  if (typeof v !== 'number') return String(v);
  if (Number.isNaN(v)) return 'nan';
  if (!Number.isFinite(v)) return v > 0 ? 'inf' : '-inf';
  if (Number.isInteger(v) && Math.abs(v) < 1e7) return String(v);
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return v.toExponential(Math.max(0, digits - 2)).replace('e+', 'e');
  return v
    .toPrecision(Math.max(digits, Math.floor(Math.log10(size)) + 1))
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

/** Groups of three: 12 480. */
export function count(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009');
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 0) seconds = 0;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60 ? `${s % 60} s` : ''}`.trim();
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export function ago(at: number | null | undefined, now: number): string {
  if (!at) return '–';
  const s = now - at;
  return s < 5 ? 'just now' : `${duration(s < 60 ? s : s < 3600 ? Math.floor(s / 60) * 60 : s)} ago`;
}

const two = (n: number) => String(n).padStart(2, '0');

export function clock(at: number | null | undefined): string {
  if (!at) return '–';
  const d = new Date(at * 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

export function date(at: number | null | undefined): string {
  if (!at) return '–';
  const d = new Date(at * 1000);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
}

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let u = 0;
  while (n >= 1024 && u < units.length - 1) ((n /= 1024), ++u);
  return `${u ? n.toPrecision(3) : n} ${units[u]}`;
}

export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** As a word of a POSIX shell. */
export function shell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `--lr=0.01 --width=64` */
export function asArguments(params: Record<string, unknown>): string {
  return Object.entries(params)
    .map(([name, value]) => shell(`--${name}=${value}`))
    .join(' ');
}
