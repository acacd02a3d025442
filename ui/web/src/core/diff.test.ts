// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { diffLines, diffSettings, type Hunk } from './diff';
import { plain } from './log';

const words = (text: string) => text.split('');
const told = (hunks: Hunk[]) => hunks.map((h) => h.lines.map((l) => l.sign + l.text).join(' '));

describe('lines that differ', () => {
  it('are told with what is around them', () => {
    expect(told(diffLines(words('abcdefghij'), words('abcdXfghij')))).toEqual([' c  d -e +X  f  g']);
    expect(told(diffLines(words('abcdefghij'), words('Xbcdefghiij')))).toEqual(['-a +X  b  c', ' g  h +i  i  j']);
    expect(told(diffLines([], words('ab')))).toEqual(['+a +b']);
    expect(diffLines(words('abc'), words('abc'))).toEqual([]);
  });
  it('know their places', () => {
    const [first, second] = diffLines(words('abcdefghij'), words('aXbcdefghj'));
    expect([first.left, first.right]).toEqual([1, 1]);
    expect([second.left, second.right]).toEqual([7, 8]);
  });
  it('may be equal but for numbers', () => {
    expect(diffLines(['loss 0.1'], ['loss 0.2'], (l) => l.replace(/[\d.]+/g, '#'))).toEqual([]);
  });
  it('make one text of the other, whatever they are', () => {
    let seed = 1;
    const draw = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 300; ++round) {
      const make = () => Array.from({ length: draw(12) }, () => 'abc'[draw(3)]);
      const [a, b] = [make(), make()];
      const whole = diffLines(a, b, undefined, 99).flatMap((h) => h.lines);
      const side = (sign: string) => whole.filter((l) => l.sign === ' ' || l.sign === sign).map((l) => l.text);
      if (whole.length) expect([side('-'), side('+')]).toEqual([a, b]);
      else expect(a).toEqual(b);
    }
  });
  it('are as few as can be', () => {
    const changed = diffLines(words('abcabba'), words('cbabac'))[0].lines.filter((l) => l.sign !== ' ');
    expect(changed.length).toBe(5);
  });
  it('of texts with little in common are all of them', () => {
    const many = (word: string) => Array.from({ length: 1000 }, (_, i) => word + i);
    expect(diffLines(many('a'), many('b'))[0].lines.length).toBe(2000);
  });
});

describe('settings that differ', () => {
  it('are told by their place', () => {
    const left = { stop: { trials: 10 }, params: { lr: { min: 0, max: 1 } }, command: ['a', 'b'], seed: 1 };
    const right = { stop: { trials: 20 }, params: { lr: { min: 0, max: 1 }, k: [1] }, command: ['a', 'c'] };
    expect(diffSettings(left, right)).toEqual([
      { path: 'stop.trials', left: '10', right: '20' },
      { path: 'params.k', left: '–', right: '[1]' },
      { path: 'command', left: '["a","b"]', right: '["a","c"]' },
      { path: 'seed', left: '1', right: '–' },
    ]);
  });
});

describe('output', () => {
  it('is read as it would look', () => {
    expect(plain('\x1b[31mred\x1b[0m\r\n10%\r50%\rdone\n')).toBe('red\ndone\n');
  });
});
