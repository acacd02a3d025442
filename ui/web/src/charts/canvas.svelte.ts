// SPDX-License-Identifier: Apache-2.0
// One way to draw: in CSS pixels, sharp on every screen, again whenever size, theme or data change.
import { theme, colour } from '../core/theme.svelte';
import { SvgPen, type Pen } from './pen';

export interface Drawing {
  context: Pen;
  width: number;
  height: number;
  /** Of the canvas in the page; null: the drawing is to be kept, whole and at once, with what the page lays over it. */
  screen: CanvasRenderingContext2D | null;
}
const drawings = new WeakMap<HTMLCanvasElement, (d: Drawing) => void>();

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
    drawings.set(canvas, draw);
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
      draw({ context, width, height, screen: context });
    });
    return () => observer.disconnect();
  };
}

/** Draws all canvases inside of `host` once more, each in its place. */
function drawAgain(host: HTMLElement, pen: Pen) {
  const corner = host.getBoundingClientRect();
  for (const canvas of host.querySelectorAll('canvas')) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    pen.save();
    pen.translate(left - corner.left, top - corner.top);
    pen.font = font;
    drawings.get(canvas)?.({ context: pen, width: Math.round(width), height: Math.round(height), screen: null });
    pen.restore();
  }
}

/** The charts inside of `host` as a picture to keep. */
export async function pictureOf(host: HTMLElement, title: string, kind: 'png' | 'svg'): Promise<Blob | null> {
  const { width, height } = host.getBoundingClientRect();
  const canvas = document.createElement('canvas');
  const ratio = kind === 'png' ? Math.max(2, globalThis.devicePixelRatio || 1) : 0;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d')!;
  const ground = colour('paper');
  if (kind === 'svg') {
    context.font = font;
    const pen = new SvgPen((text) => context.measureText(text));
    drawAgain(host, pen);
    return new Blob([pen.svg(width, height, title, ground)], { type: 'image/svg+xml' });
  }
  context.scale(ratio, ratio);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  drawAgain(host, context);
  return new Promise((resolve) => canvas.toBlob(resolve));
}

export const font = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Hairlines and labels of the vertical axis; places are 0 at the bottom. */
export function drawY(c: Pen, f: Frame, ticks: { place: number; label: string }[], title = '') {
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

export function drawX(c: Pen, f: Frame, ticks: { place: number; label: string }[], title = '') {
  c.textBaseline = 'top';
  c.fillStyle = colour('ink-3');
  let free = -Infinity;
  for (const t of ticks) {
    const half = c.measureText(t.label).width / 2;
    const x = Math.min(f.left + t.place * (f.right - f.left), f.right + 9 - half); // The last one stays inside.
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

export function widest(c: Pen, labels: { label: string }[]): number {
  return Math.ceil(Math.max(0, ...labels.map((t) => c.measureText(t.label).width)));
}
