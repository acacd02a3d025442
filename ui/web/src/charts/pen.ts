// SPDX-License-Identifier: Apache-2.0
// What charts draw with, and its other implementation: one that writes SVG.

/** The part of a canvas' context that charts use. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | 'fillStyle'
  | 'strokeStyle'
  | 'lineWidth'
  | 'lineJoin'
  | 'globalAlpha'
  | 'font'
  | 'textAlign'
  | 'textBaseline'
  | 'save'
  | 'restore'
  | 'translate'
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'bezierCurveTo'
  | 'arc'
  | 'rect'
  | 'clip'
  | 'fill'
  | 'stroke'
  | 'fillRect'
  | 'strokeRect'
  | 'fillText'
  | 'strokeText'
  | 'measureText'
  | 'setLineDash'
>;

const round = (v: number) => Number(v.toFixed(2));

/** Text as text: no markup, and none of the control characters that XML has no way to write. */
export function escape(text: string): string {
  const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // eslint-disable-next-line no-control-regex
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (c) => marks[c]);
}

/** `#1d5bb8` and an opacity, from what the style sheet has: not every reader of SVG knows `rgb(0 0 0 / 0.06)`. */
export function ink(style: string): { colour: string; opacity: number } {
  const hex = (n: number) => Math.round(n).toString(16).padStart(2, '0');
  const digits = /^#([0-9a-f]+)$/i.exec(style)?.[1];
  if (digits) {
    const long = digits.length < 6 ? digits.replace(/./g, '$&$&') : digits;
    return { colour: '#' + long.slice(0, 6), opacity: long.length > 6 ? round(parseInt(long.slice(6), 16) / 255) : 1 };
  }
  const numbers = /^rgba?\(/.test(style) ? (style.match(/[\d.]+%?/g) ?? []) : [];
  if (numbers.length < 3) return { colour: style, opacity: 1 };
  const alpha = numbers[3] ?? '1';
  return {
    colour:
      '#' +
      numbers
        .slice(0, 3)
        .map((n) => hex(Number(n)))
        .join(''),
    opacity: alpha.endsWith('%') ? parseFloat(alpha) / 100 : Number(alpha),
  };
}

/** Writes what is drawn as SVG. Where text would be wide has to be measured by somebody who knows the font. */
export class SvgPen implements Pen {
  fillStyle: Pen['fillStyle'] = '#000';
  strokeStyle: Pen['strokeStyle'] = '#000';
  lineWidth = 1;
  lineJoin: CanvasLineJoin = 'miter';
  globalAlpha = 1;
  font = '10px sans-serif';
  textAlign: CanvasTextAlign = 'start';
  textBaseline: CanvasTextBaseline = 'alphabetic';
  private dash: number[] = [];
  private path: string[] = [];
  private parts: string[] = [];
  private stack: { kept: object; groups: number }[] = [];
  private clips = 0;

  constructor(readonly measureText: Pen['measureText']) {}

  /** All that was drawn, on a ground of one colour. */
  svg(width: number, height: number, title: string, ground: string): string {
    while (this.stack.length) this.restore();
    const size = `width="${round(width)}" height="${round(height)}"`;
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${round(width)} ${round(height)}">` +
      `<title>${escape(title)}</title><rect ${size} fill="${ink(ground).colour}"/>${this.parts.join('')}</svg>\n`
    );
  }

  save() {
    const { fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font, textAlign, textBaseline, dash } = this;
    const kept = { fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font, textAlign, textBaseline, dash };
    this.stack.push({ kept, groups: 0 });
  }
  restore() {
    const last = this.stack.pop();
    if (!last) return;
    Object.assign(this, last.kept);
    this.parts.push('</g>'.repeat(last.groups));
  }
  translate(x: number, y: number) {
    this.group(`transform="translate(${round(x)} ${round(y)})"`);
  }
  clip() {
    const id = `clip-${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path.join('')}"/></clipPath>`);
    this.group(`clip-path="url(#${id})"`);
  }
  setLineDash(dash: number[]) {
    this.dash = [...dash];
  }

  beginPath() {
    this.path = [];
  }
  moveTo(x: number, y: number) {
    this.path.push(`M${round(x)} ${round(y)}`);
  }
  lineTo(x: number, y: number) {
    this.path.push(`${this.path.length ? 'L' : 'M'}${round(x)} ${round(y)}`);
  }
  bezierCurveTo(a: number, b: number, c: number, d: number, x: number, y: number) {
    this.path.push(`C${[a, b, c, d, x, y].map(round).join(' ')}`);
  }
  rect(x: number, y: number, w: number, h: number) {
    this.path.push(`M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}z`);
  }
  /** Whole circles only: that is all that charts draw. */
  arc(x: number, y: number, r: number) {
    const half = (by: number) => `a${round(r)} ${round(r)} 0 1 1 ${round(by)} 0`;
    this.path.push(`M${round(x + r)} ${round(y)}${half(-2 * r)}${half(2 * r)}`);
  }
  fill() {
    if (this.path.length) this.parts.push(`<path d="${this.path.join('')}"${this.filled()}/>`);
  }
  stroke() {
    if (this.path.length) this.parts.push(`<path d="${this.path.join('')}"${this.stroked()}/>`);
  }
  fillRect(x: number, y: number, w: number, h: number) {
    this.parts.push(`<path d="M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}z"${this.filled()}/>`);
  }
  strokeRect(x: number, y: number, w: number, h: number) {
    this.parts.push(`<path d="M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}z"${this.stroked()}/>`);
  }
  fillText(text: string, x: number, y: number) {
    this.text(text, x, y, this.filled());
  }
  strokeText(text: string, x: number, y: number) {
    this.text(text, x, y, this.stroked());
  }

  private text(text: string, x: number, y: number, look: string) {
    const [, size, family] = /([\d.]+)px\s+(.*)/.exec(this.font) ?? ['', '10', 'sans-serif'];
    // By the middle of the small letters: few readers of SVG know baselines.
    const down = { top: 0.8, middle: 0.35 }[this.textBaseline as string] ?? 0;
    const anchor = { right: 'end', end: 'end', center: 'middle' }[this.textAlign as string];
    this.parts.push(
      `<text x="${round(x)}" y="${round(y + down * Number(size))}" font-size="${size}" font-family="${escape(family)}"` +
        `${anchor ? ` text-anchor="${anchor}"` : ''}${look}>${escape(text)}</text>`,
    );
  }
  private group(attributes: string) {
    this.parts.push(`<g ${attributes}>`);
    const last = this.stack.at(-1);
    if (last) ++last.groups;
  }
  private filled(): string {
    const { colour, opacity } = ink(String(this.fillStyle));
    return ` fill="${escape(colour)}"${this.opacity('fill', opacity)}`;
  }
  private stroked(): string {
    const { colour, opacity } = ink(String(this.strokeStyle));
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(round).join(' ')}"` : '';
    const join = this.lineJoin === 'miter' ? '' : ` stroke-linejoin="${this.lineJoin}"`;
    return ` fill="none" stroke="${escape(colour)}" stroke-width="${round(this.lineWidth)}"${dash}${join}${this.opacity('stroke', opacity)}`;
  }
  private opacity(of: string, opacity: number): string {
    const all = round(opacity * this.globalAlpha);
    return all < 1 ? ` ${of}-opacity="${all}"` : '';
  }
}
