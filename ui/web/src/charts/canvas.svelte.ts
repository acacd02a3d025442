// SPDX-License-Identifier: Apache-2.0
// One way to draw: in CSS pixels, sharp on every screen, again whenever size, theme or data change.
import { theme, colour } from '../core/theme.svelte';

export interface Drawing {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
}

/** For `{@attach}` of a canvas. What `draw` reads of the reactive state, it draws again for. */
export function drawn(draw: (d: Drawing) => void) {
  return (canvas: HTMLCanvasElement) => {
    let size = $state.raw({ width: 0, height: 0 });
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      const height = Math.round(entry.contentRect.height);
      if (width !== size.width || height !== size.height) size = { width, height };
    });
    observer.observe(canvas);
    $effect(() => {
      void theme.version;
      const { width, height } = size;
      if (!width || !height) return;
      const ratio = globalThis.devicePixelRatio || 1;
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const context = canvas.getContext('2d')!;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.font = font;
      draw({ context, width, height });
    });
    return () => observer.disconnect();
  };
}

export const font = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Hairlines and labels of the vertical axis; places are 0 at the bottom. */
export function drawY(c: CanvasRenderingContext2D, f: Frame, ticks: { place: number; label: string }[], title = '') {
  c.lineWidth = 1;
  c.textAlign = 'right';
  c.textBaseline = 'middle';
  for (const t of ticks) {
    const y = Math.round(f.bottom - t.place * (f.bottom - f.top)) + 0.5;
    c.strokeStyle = colour('line');
    c.beginPath();
    c.moveTo(f.left, y);
    c.lineTo(f.right, y);
    c.stroke();
    c.fillStyle = colour('ink-3');
    c.fillText(t.label, f.left - 8, y);
  }
  if (title) {
    c.textAlign = 'left';
    c.textBaseline = 'alphabetic';
    c.fillStyle = colour('ink-2');
    c.fillText(title, 0, 10);
  }
}

export function drawX(c: CanvasRenderingContext2D, f: Frame, ticks: { place: number; label: string }[], title = '') {
  c.textBaseline = 'top';
  c.fillStyle = colour('ink-3');
  let free = -Infinity;
  for (const t of ticks) {
    const x = f.left + t.place * (f.right - f.left);
    const half = c.measureText(t.label).width / 2;
    if (x - half < free || x - half < f.left - 30) continue;
    c.textAlign = 'center';
    c.fillText(t.label, x, f.bottom + 7);
    free = x + half + 10;
  }
  if (title) {
    c.textAlign = 'right';
    c.fillStyle = colour('ink-2');
    c.fillText(title, f.right, f.bottom + 20);
  }
  c.strokeStyle = colour('line-strong');
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(f.left, Math.round(f.bottom) + 0.5);
  c.lineTo(f.right, Math.round(f.bottom) + 0.5);
  c.stroke();
}

export function widest(c: CanvasRenderingContext2D, labels: { label: string }[]): number {
  return Math.ceil(Math.max(0, ...labels.map((t) => c.measureText(t.label).width)));
}
