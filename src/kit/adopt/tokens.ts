/**
 * TypeScript as tokens: enough to find where a table is declared, and no more. What comes of a change is loaded and
 * compared with what was meant, so that a misreading here is an error there.
 */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'number' | 'regex' | 'punct';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const pattern = new RegExp(
  [
    /(?<space>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/u,
    /(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")/u,
    /(?<word>[\p{ID_Start}$_#@][\p{ID_Continue}$]*)/u,
    /(?<number>\d[\w.]*)/u,
    /(?<punct>=>|\?\?|\?\.|\.\.\.|&&|\|\||[^\s])/u,
  ]
    .map((it) => it.source)
    .join('|'),
  'uy',
);
const regex = /\/(?:[^\\/[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** After these, a slash begins a regular expression. */
const operators = new Set([
  '(',
  ',',
  '=',
  ':',
  '[',
  '!',
  '&',
  '|',
  '?',
  '{',
  '}',
  ';',
  '=>',
  '&&',
  '||',
  '??',
  '+',
  '-',
  '*',
  '%',
  '<',
  '>',
  '~',
  '^',
  '...',
]);
const words = new Set(['return', 'typeof', 'case', 'in', 'of', 'new', 'void', 'delete', 'throw']);

/** @throws Error where the text ends within a string or a template */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (text[at] === '`') {
      const end = templateEnd(text, at);
      tokens.push({ kind: 'template', text: text.slice(at, end), start: at, end });
      at = end;
      continue;
    }
    const last = tokens.at(-1);
    const next = text[at + 1];
    if (
      text[at] === '/' &&
      next !== '/' &&
      next !== '*' &&
      (!last || (last.kind === 'punct' && operators.has(last.text)) || (last.kind === 'word' && words.has(last.text)))
    ) {
      regex.lastIndex = at;
      const found = regex.exec(text);
      if (found) {
        tokens.push({ kind: 'regex', text: found[0], start: at, end: at + found[0].length });
        at += found[0].length;
        continue;
      }
    }
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) throw new Error(`unreadable at ${at}`);
    const end = at + found[0].length;
    const kind = (['string', 'word', 'number', 'punct'] as const).find((it) => found.groups![it] !== undefined);
    if (kind) tokens.push({ kind, text: found[0], start: at, end });
    at = end;
  }
  return tokens;
}

function templateEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '`') return at + 1;
    else if (text[at] === '$' && text[at + 1] === '{') {
      let depth = 1;
      for (at += 2; at < text.length && depth > 0; at++) {
        if (text[at] === '`') at = templateEnd(text, at) - 1;
        else if (text[at] === '{') depth++;
        else if (text[at] === '}') depth--;
      }
      at--;
    }
  }
  throw new Error('a template does not end');
}

const pairs: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** For the index of each opening bracket, that of its partner, and the other way round. */
export function brackets(tokens: readonly Token[]): Map<number, number> {
  const partner = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach((it, i) => {
    if (it.kind !== 'punct') return;
    if (pairs[it.text]) open.push(i);
    else if (Object.values(pairs).includes(it.text)) {
      const from = open.pop();
      if (from === undefined || pairs[tokens[from]!.text] !== it.text)
        throw new Error(`a bracket has no partner at ${it.start}`);
      partner.set(from, i).set(i, from);
    }
  });
  if (open.length > 0) throw new Error(`a bracket has no partner at ${tokens[open[0]!]!.start}`);
  return partner;
}
