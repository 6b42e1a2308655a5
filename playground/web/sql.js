import { el, scrollable } from './dom.js';

const clauses = new Set(
  'select from left inner full where group having order limit union values set returning'.split(' '),
);

/** SQL, a clause a line; what was added is marked. */
export function sqlView(words, label) {
  const lines = [[]];
  let depth = 0;
  for (const [i, word] of words.entries()) {
    if (depth === 0 && clauses.has(word.text) && words[i - 1]?.text !== 'delete' && lines.at(-1).length > 0)
      lines.push([]);
    lines.at(-1).push(word);
    if (word.text === '(') depth++;
    if (word.text === ')') depth--;
  }
  return el('pre', { class: 'sql', tabindex: '0', 'aria-label': label }, lines.map(lineView));
}

function lineView(line) {
  const parts = [];
  for (const [i, word] of line.entries()) {
    const space = i > 0 && word.isSpaced ? ' ' : '';
    const last = parts.at(-1);
    if (last?.isAdded === word.isAdded) last.text += space + word.text;
    else parts.push({ isAdded: word.isAdded, before: space, text: word.text });
  }
  const children = parts.flatMap(({ isAdded, before, text }) => [before, isAdded ? el('mark', {}, text) : text]);
  return el('span', { class: 'line' }, children);
}

/** `$1 = Acme's id` */
export const legend = (params) =>
  params.length === 0
    ? undefined
    : el(
        'p',
        { class: 'legend' },
        params.map((it, i) => el('span', {}, `$${i + 1} = ${it}`)),
      );

const isRow = (it) => typeof it === 'object' && it !== null && !Array.isArray(it);

/** A result: rows as a table, and what is nested in a row within its cell. */
export function valueView(value, label) {
  if (Array.isArray(value)) {
    if (value.length === 0) return el('span', { class: 'none' }, 'none');
    // What is no row has no names: a column of values.
    if (!value.every(isRow))
      return el(
        'table',
        { 'aria-label': label },
        el(
          'tbody',
          {},
          value.map((it) => el('tr', {}, el('td', {}, valueView(it)))),
        ),
      );
    const columns = [...new Set(value.flatMap((row) => Object.keys(row)))];
    return el(
      'table',
      { 'aria-label': label },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          columns.map((it) => el('th', { scope: 'col' }, it)),
        ),
      ),
      el(
        'tbody',
        {},
        value.map((row) =>
          el(
            'tr',
            {},
            columns.map((it) => el('td', {}, valueView(row[it]))),
          ),
        ),
      ),
    );
  }
  if (value === null || value === undefined) return el('span', { class: 'none' }, '–');
  if (typeof value === 'object')
    return el(
      'span',
      {},
      Object.entries(value).flatMap(([, it], i) => [i > 0 ? ', ' : '', valueView(it)]),
    );
  return document.createTextNode(String(value));
}

export const resultView = (tenant, result, after = '') =>
  el(
    'article',
    {},
    el('h4', {}, tenant.name),
    scrollable(`Result for ${tenant.name}`, valueView(result, `Result for ${tenant.name}`)),
    after,
  );
