// SPDX-License-Identifier: Apache-2.0
import { absent, type Series, type Trials } from './trials';

/**
 * The language of `tune trials --where`, on the columns in the browser: the same grammar, the same answers.
 * and or not; < <= > >= == = != <>; numbers, "text", 'text', true, false, nan, null, `a name`; parentheses.
 * A comparison with something absent neither holds nor does its negation; NaN is neither less nor greater.
 */
export type Filter = { test: (row: number) => boolean; names: string[] } | { error: string; at: number };

type Truth = boolean | null; // null: unknown, as in SQL
type Test = (row: number) => Truth;
type Token = {
  kind: 'end' | 'name' | 'number' | 'text' | 'op';
  word: string;
  number: number;
  at: number;
  quoted: boolean;
};
type Operand = { is: 'name' | 'number' | 'text' | 'truth' | 'nan' | 'null'; text: string; number: number; at: number };
type Value = number | string | null; // NaN is the text 'nan', as in the store

const ops = ['<=', '>=', '==', '!=', '<>', '&&', '||', '<', '>', '=', '(', ')', '!'];
const comparisons = new Set(['<', '<=', '>', '>=', '=', '==', '!=', '<>']);

class Trouble extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

export function compile(text: string, trials: Trials, objective = ''): Filter {
  const names: string[] = [];
  try {
    const test = text.trim() ? new Parser(text, trials, objective, names).parse() : () => true;
    return { test: (row) => test(row) === true, names };
  } catch (trouble) {
    if (trouble instanceof Trouble) return { error: trouble.message, at: trouble.at };
    throw trouble;
  }
}

class Parser {
  private at = 0;
  private token!: Token;
  private seen = 0;
  constructor(
    private readonly text: string,
    private readonly trials: Trials,
    private readonly objective: string,
    private readonly names: string[],
  ) {
    this.next();
  }
  parse(): Test {
    const test = this.disjunction(0);
    if (this.token.kind !== 'end') throw new Trouble("expected 'and', 'or' or the end", this.token.at);
    return test;
  }

  private next() {
    while (/[ \t\r\n]/.test(this.text[this.at] ?? '')) ++this.at;
    const at = this.at;
    const rest = this.text.slice(at);
    const made = (kind: Token['kind'], word: string, length: number, number = 0, quoted = false) => {
      this.at = at + length;
      this.token = { kind, word, number, at, quoted };
    };
    if (!rest) return made('end', '', 0);
    const name = /^[A-Za-z_\u0080-\uffff][A-Za-z_0-9.\u0080-\uffff]*/.exec(rest);
    if (name) return made('name', name[0], name[0].length);
    const quote = rest[0];
    if (quote === '`' || quote === '"' || quote === "'") {
      const end = rest.indexOf(quote, 1);
      if (end < 0) throw new Trouble('this text has no end', at);
      return made(quote === '`' ? 'name' : 'text', rest.slice(1, end), end + 1, 0, true);
    }
    const number = /^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/.exec(rest);
    if (number) return made('number', number[0], number[0].length, Number(number[0]));
    const op = ops.find((o) => rest.startsWith(o));
    if (!op) throw new Trouble('this character has no meaning here', at);
    made('op', op, op.length);
  }
  private is(word: string) {
    return !this.token.quoted && (this.token.kind === 'op' || this.token.kind === 'name') && this.token.word === word;
  }
  private accept(...words: string[]) {
    if (!words.some((w) => this.is(w))) return false;
    this.next();
    return true;
  }

  private disjunction(depth: number): Test {
    let test = this.conjunction(depth);
    while (this.accept('or', '||')) {
      const [a, b] = [test, this.conjunction(depth)];
      test = (row) => {
        const x = a(row);
        if (x === true) return true;
        const y = b(row);
        return y === true ? true : x === null || y === null ? null : false;
      };
    }
    return test;
  }
  private conjunction(depth: number): Test {
    let test = this.negation(depth);
    while (this.accept('and', '&&')) {
      const [a, b] = [test, this.negation(depth)];
      test = (row) => {
        const x = a(row);
        if (x === false) return false;
        const y = b(row);
        return y === false ? false : x === null || y === null ? null : true;
      };
    }
    return test;
  }
  private negation(depth: number): Test {
    if (depth > 12) throw new Trouble('nested too deeply', this.token.at);
    if (this.accept('not', '!')) {
      const inner = this.negation(depth + 1);
      return (row) => {
        const x = inner(row);
        return x === null ? null : !x;
      };
    }
    if (this.accept('(')) {
      const inner = this.disjunction(depth + 1);
      if (!this.accept(')')) throw new Trouble("expected ')'", this.token.at);
      return inner;
    }
    return this.comparison();
  }

  private comparison(): Test {
    if (++this.seen > 200) throw new Trouble('more than 200 conditions', this.token.at);
    const left = this.operand();
    if (this.token.kind === 'op' && comparisons.has(this.token.word)) {
      const op = this.token.word;
      const at = this.token.at;
      this.next();
      return this.compare(left, op === '==' ? '=' : op === '!=' ? '<>' : op, this.operand(), at);
    }
    if (left.is !== 'name') throw new Trouble('expected a comparison', this.token.at);
    const value = this.value(left, true);
    return (row) => {
      const v = value(row);
      return v === null ? null : v !== 0;
    };
  }

  private compare(left: Operand, op: string, right: Operand, at: number): Test {
    if (left.is !== 'name' && right.is === 'name') {
      [left, right] = [right, left];
      op = ({ '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as Record<string, string>)[op] ?? op;
    }
    const equality = op === '=' || op === '<>';
    if (!equality && (right.is === 'nan' || right.is === 'null' || right.is === 'truth'))
      throw new Trouble('nan, null, true and false can only be compared with == and !=', at);
    if (right.is === 'null') {
      const value = this.value(left, false);
      return (row) => (value(row) === null) === (op === '=');
    }
    const numeric = right.is === 'number' || right.is === 'truth' || (right.is === 'name' && !equality);
    const a = this.value(left, numeric);
    const b = this.value(right, numeric);
    return (row) => {
      const x = a(row);
      const y = b(row);
      if (x === null || y === null) return null;
      if (op === '=') return x === y;
      if (op === '<>') return x !== y;
      // As SQLite orders: every number before every text.
      const less = typeof x === typeof y ? (x < y ? -1 : x > y ? 1 : 0) : typeof x === 'number' ? -1 : 1;
      return op === '<' ? less < 0 : op === '<=' ? less <= 0 : op === '>' ? less > 0 : less >= 0;
    };
  }

  private operand(): Operand {
    const t = this.token;
    let o: Operand = { is: 'name', text: t.word, number: t.number, at: t.at };
    if (t.kind === 'number') o.is = 'number';
    else if (t.kind === 'text') o.is = 'text';
    else if (this.is('true') || this.is('false')) o = { ...o, is: 'truth', number: t.word === 'true' ? 1 : 0 };
    else if (this.is('nan')) o = { ...o, is: 'nan', text: 'nan' };
    else if (this.is('null')) o.is = 'null';
    else if (t.kind !== 'name' || this.is('and') || this.is('or') || this.is('not'))
      throw new Trouble('expected a name or a value', t.at);
    this.next();
    return o;
  }

  private value(o: Operand, numeric: boolean): (row: number) => Value {
    if (o.is === 'number' || o.is === 'truth') return () => o.number;
    if (o.is !== 'name') return () => o.text;
    const series = this.series(o);
    this.names.push(series.name);
    if (series.numbers) {
      const numbers = series.numbers;
      const { nan } = series;
      return (row) => {
        const v = numbers[row];
        return Number.isNaN(v) ? (!numeric && nan.has(row) ? 'nan' : null) : v;
      };
    }
    // true and false are 1 and 0, and a choice among numbers is numbers: so they are in the store.
    const codes = series.codes!;
    const values: Value[] = series.dictionary.map((text) => {
      const plain = text === 'true' ? 1 : text === 'false' ? 0 : text.trim() === '' ? NaN : Number(text);
      return Number.isNaN(plain) ? (numeric ? null : text) : plain;
    });
    return (row) => (codes[row] === absent ? null : values[codes[row]]);
  }

  private series(o: Operand): Series {
    const found =
      o.text === this.objective && !this.trials.series.has(o.text) && !this.trials.series.has('params.' + o.text)
        ? this.trials.find('value')
        : this.trials.find(o.text);
    if (found) return found;
    const near = nearest(
      o.text,
      [...this.trials.series.keys()].map((n) => n.replace(/^(params|metrics)\./, '')),
    );
    throw new Trouble(
      `"${o.text}" is no column, parameter or metric here${near ? `; did you mean ${near}?` : ''}`,
      o.at,
    );
  }
}

/** The name that is at most a third of its letters away. */
export function nearest(name: string, known: string[]): string | null {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const k of known) {
    const d = distance(name, k);
    if (d < least) ((least = d), (best = k));
  }
  return best;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; ++i) {
    const next = [i];
    for (let j = 1; j <= b.length; ++j)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
