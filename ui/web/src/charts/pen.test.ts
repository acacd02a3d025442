// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { escape, ink, SvgPen } from './pen';

const pen = () => new SvgPen((text) => ({ width: 6 * text.length }) as TextMetrics);
const drawing = (draw: (p: SvgPen) => void) => {
  const p = pen();
  draw(p);
  return p.svg(100, 50, 'A title', '#fff');
};

describe('a pen that writes SVG', () => {
  it('writes paths in the colours and widths of their time', () => {
    const svg = drawing((p) => {
      p.strokeStyle = '#123456';
      p.lineWidth = 2;
      p.beginPath();
      p.moveTo(1, 2);
      p.lineTo(3.14159, 4);
      p.stroke();
      p.strokeStyle = '#ffffff';
    });
    expect(svg).toContain('<path d="M1 2L3.14 4" fill="none" stroke="#123456" stroke-width="2"/>');
  });
  it('keeps text as text, whatever it says', () => {
    const svg = drawing((p) => p.fillText('</text><script>alert("x")</script>\u0001&', 5, 5));
    expect(svg).toContain('&lt;/text&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;\ufffd&amp;');
    expect(svg).not.toContain('<script');
  });
  it('says where text is anchored, and lowers what hangs from its top', () => {
    const svg = drawing((p) => {
      p.font = '10px Inter, "Segoe UI"';
      p.textAlign = 'right';
      p.textBaseline = 'top';
      p.fillText('a', 20, 10);
    });
    expect(svg).toContain('x="20" y="18" font-size="10" font-family="Inter, &quot;Segoe UI&quot;" text-anchor="end"');
  });
  it('closes the groups of a clip and a translation where the state is restored', () => {
    const svg = drawing((p) => {
      p.save();
      p.translate(3, 4);
      p.beginPath();
      p.rect(0, 0, 5, 5);
      p.clip();
      p.fillRect(1, 1, 2, 2);
      p.restore();
      p.fillRect(9, 9, 1, 1);
    });
    expect(svg.match(/<g /g)?.length).toBe(2);
    expect(svg.indexOf('</g></g>')).toBeLessThan(svg.indexOf('M9 9'));
    expect(svg).toContain('<clipPath id="clip-1"><path d="M0 0h5v5h-5z"/></clipPath>');
  });
  it('restores colours, and closes what was left open', () => {
    const svg = drawing((p) => {
      p.fillStyle = '#111111';
      p.save();
      p.fillStyle = '#222222';
      p.globalAlpha = 0.5;
      p.restore();
      p.fillRect(0, 0, 1, 1);
      p.save();
      p.translate(1, 1);
    });
    expect(svg).toContain('fill="#111111"/>');
    expect(svg).toContain('</g></svg>');
  });
  it('draws a circle as two halves, and multiplies opacities', () => {
    const svg = drawing((p) => {
      p.fillStyle = 'rgb(0 0 0 / 0.5)';
      p.globalAlpha = 0.5;
      p.beginPath();
      p.arc(10, 10, 4);
      p.fill();
    });
    expect(svg).toContain('M14 10a4 4 0 1 1 -8 0a4 4 0 1 1 8 0');
    expect(svg).toContain('fill="#000000" fill-opacity="0.25"');
  });
});

describe('colours', () => {
  it('are resolved from all forms that a style sheet has', () => {
    expect(ink('#abc')).toEqual({ colour: '#aabbcc', opacity: 1 });
    expect(ink('#17191c80')).toEqual({ colour: '#17191c', opacity: 0.5 });
    expect(ink('rgb(255 0 16)')).toEqual({ colour: '#ff0010', opacity: 1 });
    expect(ink('rgba(1, 2, 3, 0.25)')).toEqual({ colour: '#010203', opacity: 0.25 });
    expect(ink('rgb(1 2 3 / 50%)')).toEqual({ colour: '#010203', opacity: 0.5 });
  });
  it('leave names alone', () => expect(ink('red')).toEqual({ colour: 'red', opacity: 1 }));
});

it('escapes for attributes too', () => expect(escape('a"b<c>&')).toBe('a&quot;b&lt;c&gt;&amp;'));
