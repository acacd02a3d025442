// SPDX-License-Identifier: Apache-2.0
import { absent, type Series, type Trials } from './trials';

/**
 * The language of `tune trials --where`, on the columns in the browser: the same grammar, the same answers.
 * and or not; < <= > >= == = != <> ~; numbers, "text", 'text', true, false, nan, null, `a name`; parentheses.
 * `a ~ b`: the text b is in a. `tag` is each of a trial's tags; after it and after ~ a word needs no quotes.
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
  end: number;
  quoted: boolean;
};
type Operand = {
  is: 'name' | 'number' | 'text' | 'truth' | 'nan' | 'null';
  text: string;
  word: string; // as it was written, without quotes
  number: number;
  at: number;
};
type Value = number | string | null; // NaN is the text 'nan', as in the store

const ops = ['<=', '>=', '==', '!=', '<>', '&&', '||', '<', '>', '=', '~', '(', ')', '!'];
const comparisons = new Set(['<', '<=', '>', '>=', '=', '==', '!=', '<>', '~']);
const lower = (text: string) => text.replace(/[A-Z]/g, (c) => c.toLowerCase());

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

function readToken(text: string, at: number): Token {
  while (/[ \t\r\n]/.test(text[at] ?? '')) ++at;
  const rest = text.slice(at);
  const made = (kind: Token['kind'], word: string, length: number, number = 0, quoted = false) => ({
    kind,
    word,
    number,
    at,
    end: at + length,
    quoted,
  });
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
  return made('op', op, op.length);
}

function tokensOf(text: string): Token[] {
  const tokens = [readToken(text, 0)];
  while (tokens.at(-1)!.kind !== 'end') tokens.push(readToken(text, tokens.at(-1)!.end));
  return tokens;
}

class Parser {
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
    this.token = readToken(this.text, this.token?.end ?? 0);
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
      const plain = op === '==' ? '=' : op === '!=' ? '<>' : op;
      const right = this.operand();
      if (isTag(left)) return this.tagged(plain, right, at);
      if (op === '~') return this.containing(left, right, at);
      return isTag(right) ? this.tagged(plain, left, at) : this.compare(left, plain, right, at);
    }
    if (left.is !== 'name') throw new Trouble('expected a comparison', this.token.at);
    if (isTag(left)) return this.tags((all) => all.length > 0);
    const value = this.value(left, true);
    return (row) => {
      const v = value(row);
      return v === null ? null : v !== 0;
    };
  }

  /** Tags are a set: that of a trial without any is empty, and not absent. */
  private tagged(op: string, right: Operand, at: number): Test {
    if (op !== '=' && op !== '<>' && op !== '~') throw new Trouble('tags are compared with =, != and ~', at);
    if (right.is === 'null' && op !== '~') return this.tags((all) => (all.length === 0) === (op === '='));
    const word = op === '~' ? lower(right.word) : right.word;
    if (op === '~') return this.tags((all) => all.some((tag) => lower(tag).includes(word)));
    return this.tags((all) => all.includes(word) === (op === '='));
  }
  private tags(holds: (tags: string[]) => boolean): Test {
    this.names.push('tags');
    const series = this.trials.series.get('tags');
    const truths = series?.dictionary.map((text) => holds(tagsOf(text)));
    const none = holds([]);
    return (row) => truths?.[series!.codes![row]] ?? none;
  }

  private containing(left: Operand, right: Operand, at: number): Test {
    if (left.is !== 'name') throw new Trouble('~ looks for a text in what its left side names', at);
    const value = this.value(left, false);
    const word = lower(right.word);
    return (row) => {
      const v = value(row);
      return typeof v === 'string' ? lower(v).includes(word) : null;
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
    let o: Operand = { is: 'name', text: t.word, word: t.word, number: t.number, at: t.at };
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
      if (series.name === 'note') return numeric ? null : text;
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

/** A part of a filter that `and` joins to the others. */
export interface Term {
  text: string;
  simple: Condition | null; // null: it is more than one comparison
}
export interface Condition {
  name: string;
  op: string; // = != < <= > >= ~, or `is`, `is not` of what is true or false
  value: string; // as it is meant, without quotes; may be missing still
}

/** The terms of a filter; one that is not understood is a term as a whole. */
export function termsOf(text: string): Term[] {
  let tokens: Token[];
  try {
    tokens = tokensOf(text);
  } catch {
    return [{ text: text.trim(), simple: null }];
  }
  const terms: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    const word = token.quoted ? '' : token.word;
    if (word === '(') ++depth;
    if (word === ')') --depth;
    if (!depth && (word === 'or' || word === '||')) return [{ text: text.trim(), simple: null }];
    if (!depth && (word === 'and' || word === '&&')) terms.push([]);
    else if (token.kind !== 'end') terms.at(-1)!.push(token);
  }
  return terms
    .filter((term) => term.length)
    .map((term) => ({ text: text.slice(term[0].at, term.at(-1)!.end), simple: conditionOf(term) }));
}

function conditionOf(term: Token[]): Condition | null {
  const isName = (t: Token | undefined) => t?.kind === 'name' && (t.quoted || !keywords.has(t.word));
  const negated = !term[0].quoted && (term[0].word === 'not' || term[0].word === '!');
  const [name, op, value] = negated ? term.slice(1) : term;
  if (!isName(name)) return null;
  const isValue =
    !value || value.kind === 'number' || value.kind === 'text' || (value.kind === 'name' && !value.quoted);
  if (term.length === (negated ? 2 : 1)) return { name: name.word, op: negated ? 'is not' : 'is', value: '' };
  if (negated || term.length > 3 || op.kind !== 'op' || !comparisons.has(op.word) || !isValue) return null;
  const plain = { '==': '=', '<>': '!=' }[op.word] ?? op.word;
  return { name: name.word, op: plain, value: value?.word ?? '' };
}

/** A condition as it is written; `quoted`: its value is a text. */
export function writeCondition({ name, op, value }: Condition, quoted: boolean): string {
  const plain = /^[A-Za-z_\u0080-\uffff][A-Za-z_0-9.\u0080-\uffff]*$/.test(name) && !keywords.has(name);
  const written = plain ? name : '`' + name + '`';
  if (op === 'is') return written;
  if (op === 'is not') return `not ${written}`;
  const bare = !quoted || !value || value === 'null';
  return `${written} ${op} ${bare ? value : value.includes('"') ? `'${value}'` : `"${value}"`}`.trim();
}

const keywords = new Set(['and', 'or', 'not', 'true', 'false', 'nan', 'null']);

const isTag = (o: Operand) => o.is === 'name' && (o.text === 'tag' || o.text === 'tags');

/** Tags as they stand in their column: the text of a JSON list. */
export const tagsOf = (text: string | null): string[] => (text ? JSON.parse(text) : []);

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
