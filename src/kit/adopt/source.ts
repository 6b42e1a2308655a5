/** Where a schema file declares its tables: callee, columns, and what stands in the third argument. */
import { brackets, tokenize, type Token } from './tokens.js';

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** `uuid("id").notNull()`: what it begins with, and each method called on it. */
export interface Chain extends Range {
  /** The callee and its arguments. */
  readonly callee: Range;
  readonly args: Range;
  readonly calls: readonly (Range & { readonly name: string; readonly args: Range })[];
}

export interface Element extends Range {
  /** In an object. */
  readonly key?: string;
  readonly isSpread: boolean;
  readonly value: Range;
}

export interface Declaration {
  readonly name: string;
  readonly callee: Range;
  /** All three, with the brackets around them. */
  readonly args: Range;
  /** The columns' object, with its braces; undefined where it is none. */
  readonly columns?: Range;
  readonly properties: readonly Element[];
  /** What `extra` returns, with its brackets; undefined where it is not there or not readable. */
  readonly extra?: Range;
  readonly hasExtra: boolean;
  readonly parameter?: string;
  readonly elements: readonly Element[];
}

export class Source {
  readonly tokens: readonly Token[];
  private readonly partner: ReadonlyMap<number, number>;

  /** @throws Error where the text is not readable */
  constructor(readonly text: string) {
    this.tokens = tokenize(text);
    this.partner = brackets(this.tokens);
  }

  textOf = (range: Range) => this.text.slice(range.start, range.end);

  private at = (offset: number) => this.tokens.findIndex((it) => it.start >= offset);

  /** The declaration of an exported constant that a call makes. */
  declaration(name: string): Declaration | undefined {
    const { tokens } = this;
    const at = tokens.findIndex(
      (it, i) =>
        it.text === name &&
        it.kind === 'word' &&
        ['const', 'let', 'var'].includes(tokens[i - 1]?.text ?? '') &&
        this.depthIsZero(i),
    );
    if (at < 0) return undefined;
    let equals = at + 1;
    while (tokens[equals] && tokens[equals]!.text !== '=')
      equals = this.partner.get(equals) !== undefined ? this.partner.get(equals)! + 1 : equals + 1;
    const open = tokens.findIndex((it, i) => i > equals && it.text === '(');
    const end = this.partner.get(open);
    if (
      open < 0 ||
      end === undefined ||
      !tokens.slice(equals + 1, open).every((it) => it.kind === 'word' || it.text === '.')
    )
      return undefined;
    const [, columns, extra] = this.split(open);
    const object = columns && this.returned(columns);
    const list = extra && this.returned(extra);
    const isObject = object && tokens[object.at]!.text === '{';
    return {
      name,
      callee: { start: tokens[equals + 1]!.start, end: tokens[open - 1]!.end },
      args: { start: tokens[open]!.start, end: tokens[end]!.end },
      ...(isObject && { columns: object.range }),
      properties: isObject ? this.elements(object.at) : [],
      ...(list && { extra: list.range, ...(list.parameter !== undefined && { parameter: list.parameter }) }),
      hasExtra: extra !== undefined,
      elements: list ? this.elements(list.at) : [],
    };
  }

  private depthIsZero(index: number): boolean {
    for (const [open, close] of this.partner) if (open < index && close > index) return false;
    return true;
  }

  /** The ranges of tokens between the commas within a bracket. */
  private split(open: number): [from: number, to: number][] {
    const close = this.partner.get(open)!;
    const parts: [number, number][] = [];
    let from = open + 1;
    for (let i = open + 1; i <= close; i++) {
      const { text } = this.tokens[i]!;
      if (i === close || text === ',') {
        if (i > from) parts.push([from, i - 1]);
        from = i + 1;
      } else if (text === '<') i = this.generic(i) ?? i;
      else if (this.partner.has(i)) i = this.partner.get(i)!;
    }
    return parts;
  }

  /** The end of type arguments, which are followed by a bracket: `$type<Record<string, string>>()`. */
  private generic(at: number): number | undefined {
    if (this.tokens[at - 1]?.kind !== 'word') return undefined;
    let depth = 0;
    for (let i = at; i < this.tokens.length; i++) {
      const { text } = this.tokens[i]!;
      if (text === '<') depth++;
      else if (text === '>') {
        depth--;
        if (depth === 0) return this.tokens[i + 1]?.text === '(' ? i : undefined;
      } else if (text === ';') return undefined;
      else if (this.partner.has(i)) {
        if (this.partner.get(i)! < i) return undefined;
        i = this.partner.get(i)!;
      }
    }
    return undefined;
  }

  /** An object or list, by itself or returned by an arrow function. */
  private returned([from, to]: [number, number]): { at: number; range: Range; parameter?: string } | undefined {
    const { tokens, partner } = this;
    const range = (at: number) => ({ at, range: { start: tokens[at]!.start, end: tokens[partner.get(at)!]!.end } });
    if (['{', '['].includes(tokens[from]!.text)) return partner.get(from) === to ? range(from) : undefined;
    let arrow = from;
    while (arrow <= to && tokens[arrow]!.text !== '=>')
      arrow = partner.has(arrow) ? partner.get(arrow)! + 1 : arrow + 1;
    if (arrow > to) return undefined;
    const parameter = tokens[from]!.text === '(' ? tokens[from + 1] : tokens[from];
    const named = parameter?.kind === 'word' ? { parameter: parameter.text } : {};
    let at = arrow + 1;
    if (tokens[at]!.text === '{') at = tokens[at + 1]?.text === 'return' ? at + 2 : to;
    while (tokens[at]?.text === '(') at++;
    return tokens[at] && ['{', '['].includes(tokens[at]!.text) && partner.get(at)! <= to
      ? { ...range(at), ...named }
      : undefined;
  }

  private elements(open: number): Element[] {
    const isObject = this.tokens[open]!.text === '{';
    return this.split(open).map(([from, to]): Element => {
      const [first, second] = [this.tokens[from]!, this.tokens[from + 1]];
      const range = { start: first.start, end: this.tokens[to]!.end };
      const isSpread = first.text === '...';
      const hasKey = isObject && second?.text === ':' && (first.kind === 'word' || first.kind === 'string');
      return {
        ...range,
        isSpread,
        ...(hasKey && { key: first.kind === 'string' ? first.text.slice(1, -1) : first.text }),
        value: { start: hasKey ? this.tokens[from + 2]!.start : range.start, end: range.end },
      };
    });
  }

  /** @returns undefined for what is no call with calls on it */
  chain(range: Range): Chain | undefined {
    const { tokens, partner } = this;
    const end = tokens.findLastIndex((it) => it.end <= range.end);
    const start = this.at(range.start);
    let at = start;
    while (at <= end && (tokens[at]!.kind === 'word' || tokens[at]!.text === '.')) at++;
    if (tokens[at]?.text === '<') at = (this.generic(at) ?? at) + 1;
    if (tokens[at]?.text !== '(' || at === start) return undefined;
    const span = (open: number): Range => ({ start: tokens[open]!.start, end: tokens[partner.get(open)!]!.end });
    const args = span(at);
    const calls: { name: string; start: number; end: number; args: Range }[] = [];
    for (let i = partner.get(at)! + 1; i <= end; ) {
      if (tokens[i]!.text !== '.' || tokens[i + 1]?.kind !== 'word') return undefined;
      const name = tokens[i + 1]!;
      let open = i + 2;
      if (tokens[open]?.text === '<') open = (this.generic(open) ?? open) + 1;
      if (tokens[open]?.text !== '(') return undefined;
      calls.push({ name: name.text, start: tokens[i]!.start, end: span(open).end, args: span(open) });
      i = partner.get(open)! + 1;
    }
    return { ...range, callee: { start: range.start, end: tokens[at - 1]!.end }, args, calls };
  }

  /** The strings, at any depth, within a range. */
  stringsIn(range: Range): Token[] {
    return this.tokens.filter((it) => it.kind === 'string' && it.start >= range.start && it.end <= range.end);
  }

  /** Where the last import ends, or 0. */
  get endOfImports(): number {
    let end = 0;
    this.tokens.forEach((it, i) => {
      if (
        it.text !== 'import' ||
        it.kind !== 'word' ||
        !this.depthIsZero(i) ||
        this.tokens[i + 1]?.text === '(' ||
        this.tokens[i + 1]?.text === '.'
      )
        return;
      let at = i + 1;
      while (this.tokens[at] && this.tokens[at]!.kind !== 'string') at++;
      if (!this.tokens[at]) return;
      end = this.tokens[at + 1]?.text === ';' ? this.tokens[at + 1]!.end : this.tokens[at]!.end;
    });
    return end;
  }

  /** The modules of `export ... from`, beside this file. */
  reexports(): string[] {
    return this.tokens.flatMap((it, i) => {
      if (it.text !== 'export' || !this.depthIsZero(i) || this.tokens[i + 1]?.text === 'type') return [];
      const braces = this.tokens[i + 1]?.text === '{' ? this.partner.get(i + 1) : undefined;
      const from = braces === undefined ? (this.tokens[i + 1]?.text === '*' ? i + 2 : -1) : braces + 1;
      const module = this.tokens[from + 1];
      if (this.tokens[from]?.text !== 'from' || module?.kind !== 'string') return [];
      const path = module.text.slice(1, -1);
      return path.startsWith('.') ? [path] : [];
    });
  }

  /** `import { a, b as c } from 'module'`: each specifier. */
  imports(): {
    readonly module: Token;
    readonly isType: boolean;
    readonly braces: Range;
    readonly names: readonly (Range & { readonly name: string; readonly local: string })[];
  }[] {
    return this.tokens.flatMap((it, i) => {
      if (it.text !== 'import' || !this.depthIsZero(i)) return [];
      const isType = this.tokens[i + 1]?.text === 'type' && this.tokens[i + 2]?.text === '{';
      const open = i + (isType ? 2 : 1);
      const close = this.tokens[open]?.text === '{' ? this.partner.get(open)! : -1;
      const module = this.tokens[close + 2];
      if (close < 0 || this.tokens[close + 1]?.text !== 'from' || module?.kind !== 'string') return [];
      const names = this.split(open).map(([from, to]) => {
        const parts = this.tokens
          .slice(from, to + 1)
          .filter((part, n) => !(n === 0 && part.text === 'type' && to > from));
        return {
          start: this.tokens[from]!.start,
          end: this.tokens[to]!.end,
          name: parts[0]!.text,
          local: parts.at(-1)!.text,
        };
      });
      return [{ module, isType, braces: { start: this.tokens[open]!.start, end: this.tokens[close]!.end }, names }];
    });
  }
}
