/**
 * Reads the text of a `sql` template, token by token, and keeps only what matters for scoping: where a table is
 * named, which functions are called, whether the parentheses close. It is no parser: what it does not
 * understand, it refuses.
 */
import { RawSqlNotScopedError } from '../schema/index.js';
import { safeFunctions } from '../sql/prove/functions.js';

/** A token of text, or what the template interpolated. */
export interface Token {
  readonly type: 'word' | 'name' | 'string' | 'number' | 'punctuation' | 'table' | 'query' | 'open query' | 'value';
  /** A word in lower case, a name without its quotes, a character. */
  readonly value: string;
  /** The text from here on, for messages. */
  readonly place: string;
}

/**
 * Where a table stands in the template: named as a source of rows (with or without an alias), or as a row. The name of
 * a schema stands before the table that is.
 */
export type TableUse = 'source' | 'aliased source' | 'row' | 'schema';

const lexer =
  /([A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)|"((?:[^"]|"")*)"|('(?:[^']|'')*')|(\/\*(?:(?!\/\*)[^])*?\*\/)|([0-9][0-9A-Za-z_.]*)|([ \t\n\r\f\v]+)|([^])/y;
const cache = new Map<string, readonly Token[]>();

/** The tokens of one piece of text. What could hide text from the reader is refused. */
export function tokensOf(text: string): readonly Token[] {
  const cached = cache.get(text);
  if (cached) return cached;
  const tokens: Token[] = [];
  lexer.lastIndex = 0;
  while (lexer.lastIndex < text.length) {
    const start = lexer.lastIndex;
    const place = () => text.slice(Math.max(0, start - 24), start + 24);
    const [, word, name, string, comment, number, space, other] = lexer.exec(text) as unknown as (string | undefined)[];
    if (space !== undefined || comment !== undefined) continue;
    if (word !== undefined) {
      const value = word.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
      const next = text[lexer.lastIndex];
      if (value === 'u' && next === '&') throw new RawSqlNotScopedError('an escaped Unicode name or string hides what it says', place());
      if (value === 'e' && next === "'") {
        lexer.exec(text); // The string itself, or the quote that does not close.
        const string = text.slice(start, lexer.lastIndex);
        if (!string.endsWith("'") || string.length < 3 || string.includes("\\'")) {
          throw new RawSqlNotScopedError('a backslash in a string may end it elsewhere than it seems', place());
        }
        tokens.push({ type: 'string', value: '', place: place() });
        continue;
      }
      tokens.push({ type: 'word', value, place: place() });
    } else if (name !== undefined) tokens.push({ type: 'name', value: name.replaceAll('""', '"'), place: place() });
    else if (string !== undefined) {
      if (/\\'/.test(string)) throw new RawSqlNotScopedError('a backslash in a string may end it elsewhere than it seems', place());
      tokens.push({ type: 'string', value: '', place: place() });
    } else if (number !== undefined) {
      if (!/^(?:[0-9][0-9_]*(?:\.[0-9_]*)?(?:e[0-9]*)?|0[xob][0-9a-f_]+)$/i.test(number)) throw new RawSqlNotScopedError('a word runs into a number', place());
      tokens.push({ type: 'number', value: number, place: place() });
    } else {
      const pair = text.slice(start, start + 2);
      const fault =
        pair === '--' || pair === '/*'
          ? 'a comment hides what follows'
          : { ';': 'a second statement begins', '\0': 'a NUL ends the text', "'": 'a quote is not closed', '"': 'a quote is not closed', $: 'a dollar sign opens a string or names a parameter' }[other!];
      if (fault) throw new RawSqlNotScopedError(fault, place());
      tokens.push({ type: 'punctuation', value: other!, place: place() });
    }
  }
  if (cache.size >= 2_000) cache.clear();
  cache.set(text, tokens);
  return tokens;
}

const words = (list: string) => new Set(list.split(' '));
/** Words that may stand before a parenthesis without being a function's name. */
const notFunctions = words(
  'in and or not exists any all some over filter values select from join on using as case when then else end distinct by ' +
    'lateral where having union intersect except is like ilike between array row group order within limit offset with ' +
    'rollup cube sets materialized partition range rows groups similar to escape collate conflict returning set do key',
);
const refused = words('insert update delete merge into table tablesample only copy truncate');
const endsFrom = words('where group having order limit offset fetch for union intersect except window returning select');
/** Words that may follow a table without being its alias. */
const notAliases = words(
  'on using where join left right inner full cross natural group order limit offset fetch for having union intersect ' +
    'except window returning set lateral',
);
/** Functions whose own syntax has FROM in it. */
const withFrom = words('extract substring trim overlay position');

interface Frame {
  inFrom: boolean;
  expectsTable: boolean;
  readonly opened?: string | undefined;
  /** Opened where a table is named: it may hold a subquery, or a join. */
  opensTable: boolean;
  readonly ctes: Set<string>;
  /** The common table expression whose body this is. */
  readonly cte?: string | undefined;
  readonly recursive?: boolean;
  /** An array's brackets, which a parenthesis does not close. */
  readonly bracket?: boolean;
}

/**
 * How a fragment is used: within an expression, as one value of several, as a source of rows (the first, or one that
 * is joined to others), behind ON CONFLICT, or on its own.
 */
export type FragmentUse = 'expression' | 'value' | 'source' | 'joined source' | 'conflict' | 'statement';

/** What is refused in a value however it reads: a prover of the whole statement could not tell. */
export const addsValue = 'a comma would add a value of its own';

/** PostgreSQL reads `row.name` as `name(row)` where the row has no such column: those of its own functions that read more. */
const calledByName =
  /^(?:pg_|pgstat|pgrowlocks|lo_|brin_|gin_|binary_upgrade_|dblink|crosstab|citus_|master_|run_command_on_|(?:query|table|schema|database|cursor)_to_|(?:ts_stat|nextval|currval|setval|current_setting|set_config|obj_description)$)/;

/** Whether `row.name` would call a function that reads more than the row, if the row has no such column. */
export const isCalledByName = (name: string): boolean => calledByName.test(name);

/** What PostgreSQL knows of a row besides its columns: where it lies among everybody's rows, and after how many transactions of all. */
const systemColumns = words('ctid xmin xmax cmin cmax tableoid');

/** Whether a name is that of a system column, in any table. */
export const isSystemColumn = (name: string): boolean => systemColumns.has(name);

/** Words that begin a clause. Outside of parentheses they would move what Drizzle writes next into that clause. */
const clauses = words('where group having order limit offset fetch for union intersect except window returning select');

/** What AS has behind it in a common table expression. */
const behindAs = words('not materialized');

/**
 * Which words are names, whatever they say elsewhere: those behind a dot, and those behind AS. PostgreSQL takes
 * any keyword there (`t.where`, `1 as from`).
 */
function namesAmong(tokens: readonly Token[]): boolean[] {
  const names = new Array<boolean>(tokens.length).fill(false);
  for (let i = 1; i < tokens.length; i++) {
    if (tokens[i]!.type !== 'word') continue;
    const { type, value } = tokens[i - 1]!;
    const isBehindAs = type === 'word' && value === 'as' && !names[i - 1] && !behindAs.has(tokens[i]!.value);
    names[i] = isBehindAs || (type === 'punctuation' && value === '.');
  }
  return names;
}

/**
 * Reads a fragment.
 *
 * @param tokens the tokens, those of interpolated tables included
 * @param use how the fragment is used
 * @param knows whether these names, of a schema and in it, are a table that Drizzle's relational query named
 * @returns how each table token is used, and which queries are sources of rows
 * @throws RawSqlNotScopedError with what could reach a table past the tenant's filter
 */
export function readTables(
  tokens: readonly Token[],
  use: FragmentUse,
  knows?: (schema: Token | undefined, name: Token) => boolean,
): Map<Token, TableUse> {
  const uses = new Map<Token, TableUse>();
  const isSource = use === 'source' || use === 'joined source';
  const frames: Frame[] = [{ inFrom: isSource, expectsTable: isSource, opensTable: isSource, ctes: new Set() }];
  const names = namesAmong(tokens);
  let cteHead: { recursive: boolean } | undefined;
  const at = (i: number, ...values: string[]) => tokens[i]?.type === 'word' && !names[i] && values.includes(tokens[i].value);
  const is = (i: number, character: string) => tokens[i]?.type === 'punctuation' && tokens[i].value === character;
  const refuse = (i: number, reason: string) => new RawSqlNotScopedError(reason, tokens[i]?.place.trim() ?? '');

  const first = tokens[0]?.type;
  if (use === 'statement' && !at(0, 'select', 'with', 'values') && !is(0, '(') && first !== 'query' && first !== 'open query') {
    throw refuse(0, 'only a query may be written by hand');
  }
  for (let i = 0; i < tokens.length; i++) {
    const { type, value } = tokens[i]!;
    const frame = frames.at(-1)!;

    if (cteHead) {
      // name [(columns)] AS [[NOT] MATERIALIZED] (
      if (type !== 'word' && type !== 'name') throw refuse(i, 'a name is missing after WITH');
      let j = i + 1;
      if (is(j, '(')) while (j < tokens.length && !is(j++, ')'));
      if (!at(j++, 'as')) throw refuse(i, 'AS is missing after the name of a common table expression');
      if (at(j, 'not')) j++;
      if (at(j, 'materialized')) j++;
      if (!is(j, '(')) throw refuse(i, 'the body of a common table expression is missing');
      if (cteHead.recursive) frame.ctes.add(value);
      frames.push({ inFrom: false, expectsTable: false, opensTable: false, ctes: new Set(), cte: value, recursive: cteHead.recursive });
      cteHead = undefined;
      i = j;
      continue;
    }
    if (type === 'punctuation') {
      if (value === '(') {
        const previous = tokens[i - 1];
        frames.push({
          inFrom: frame.expectsTable,
          expectsTable: frame.expectsTable,
          opensTable: frame.expectsTable,
          opened: previous?.type === 'word' && !names[i - 1] ? previous.value : undefined,
          ctes: new Set(),
        });
        if (previous && ['table', 'query', 'open query', 'value'].includes(previous.type)) {
          throw refuse(i, 'what stands before a parenthesis would be called as a function');
        }
        frame.expectsTable = false;
      } else if (frame.expectsTable) {
        throw refuse(i, 'a table is missing');
      } else if (value === ')') {
        if (frames.length === 1 || frame.bracket) throw refuse(i, 'a parenthesis closes what the template did not open');
        frames.pop();
        if (frame.cte !== undefined) {
          frames.at(-1)!.ctes.add(frame.cte);
          if (is(i + 1, ',')) {
            cteHead = { recursive: frame.recursive! };
            i++;
          }
        }
      } else if (value === '[') {
        frames.push({ inFrom: false, expectsTable: false, opensTable: false, ctes: new Set(), bracket: true });
      } else if (value === ']') {
        if (!frame.bracket) throw refuse(i, 'a bracket closes what the template did not open');
        frames.pop();
      } else if (value === ',') {
        if (use === 'value' && frames.length === 1) throw refuse(i, addsValue);
        if (frame.inFrom) frame.expectsTable = true;
      }
      continue;
    }
    if ((type === 'word' || type === 'name') && isSystemColumn(value) && !at(i - 1, 'as')) {
      // Whether a row was inserted or updated by an upsert is the tenant's own affair.
      const isComparedWithNone = value === 'xmax' && [1, 2].some((n) => tokens[i + n + 1]?.value === '0' && ['=', '<>', '!='].includes(tokens.slice(i + 1, i + n + 1).map((it) => it.value).join('')));
      if (!isComparedWithNone) throw refuse(i, `the system column ${value} tells of other rows`);
    }
    if (is(i - 1, '.') && !frame.expectsTable) {
      if (type !== 'word' && type !== 'name') throw refuse(i, 'what stands behind a dot is no name');
      if (!is(i + 1, '(') && isCalledByName(value)) throw refuse(i, `"${value}" behind a dot calls the function of that name`);
    }
    if ((type === 'table' || type === 'query') && frame.expectsTable && is(i + 1, '.')) {
      throw refuse(i, 'a dot makes a schema of what stands before it');
    }
    if (type === 'table') {
      const next = tokens[i + 1];
      uses.set(
        tokens[i]!,
        !frame.expectsTable
          ? 'row'
          : next?.type === 'name' || (next?.type === 'word' && !notAliases.has(next.value))
            ? 'aliased source'
            : 'source',
      );
      if (uses.get(tokens[i]!) === 'aliased source' && is(i + 2, '(')) names[i + 1] = true; // t(a, b): names of columns
      frame.expectsTable = false;
      continue;
    }
    if (type === 'query') {
      if (frame.expectsTable) uses.set(tokens[i]!, 'source');
      frame.expectsTable = false;
      continue;
    }
    if (type === 'value' && tokens[i - 1]?.type === 'string') {
      // Inlined, the two would be one string, and escapes in the first kind of string would count in the second.
      throw refuse(i - 1, 'a string runs into a parameter');
    }
    if (type === 'open query') {
      const isEnclosed = (is(i - 1, '(') && is(i + 1, ')')) || tokens.length === 1;
      if (!isEnclosed) throw refuse(i, 'a query stands outside of parentheses, where the text beside it would add to it');
      frame.expectsTable = false;
      continue;
    }
    if (names[i] && !frame.expectsTable) {
      const isSafe = is(i - 1, '.') && at(i - 2, 'pg_catalog') && safeFunctions.has(value);
      if (is(i + 1, '(') && is(i - 1, '.') && !isSafe) throw refuse(i, `the function ${value}() is not known to read its arguments only`);
      continue;
    }
    const isHarmless = (value === 'update' && at(i - 1, 'for', 'key', 'do')) || (value === 'only' && at(i - 1, 'row', 'rows'));
    if (type === 'word' && refused.has(value) && !isHarmless) {
      throw refuse(i, `the word ${value.toUpperCase()} does what only the handle's own methods may do`);
    }
    if (type === 'word' && value === 'with' && !at(i + 1, 'time', 'ordinality', 'ties')) {
      if (at(i + 1, 'recursive')) i++;
      frame.expectsTable = false;
      cteHead = { recursive: at(i, 'recursive') };
      continue;
    }
    const startsSubquery = type === 'word' && (value === 'select' || value === 'values');
    if (frame.expectsTable && frame.opensTable && startsSubquery) frame.inFrom = false;
    else if (frame.expectsTable) {
      if (type === 'word' && value === 'lateral') continue;
      if (type === 'name' && knows) {
        const schema = is(i + 1, '.') && tokens[i + 2]?.type === 'name' ? tokens[i] : undefined;
        const named = schema === undefined ? i : i + 2;
        if (knows(schema, tokens[named]!)) {
          uses.set(tokens[named]!, at(named + 1, 'as') ? 'aliased source' : 'source');
          if (schema) uses.set(schema, 'schema');
          frame.expectsTable = false;
          i = named;
          continue;
        }
      }
      const isCte = (type === 'word' || type === 'name') && frames.some((it) => it.ctes.has(value));
      const isFunction = type === 'word' && is(i + 1, '(') && safeFunctions.has(value);
      if ((!isCte && !isFunction) || (isCte && is(i + 1, '.')) || (isCte && is(i + 1, '('))) {
        throw refuse(i, type === 'word' || type === 'name' ? `the table "${value}" is written by hand` : 'a table is missing');
      }
      frame.expectsTable = false;
      continue;
    }
    frame.expectsTable = false;
    frame.opensTable = false;
    // In FROM, a name behind AS or a parenthesis is an alias, with the names of its columns.
    const isAlias = at(i - 1, 'as') || (frame.inFrom && is(i - 1, ')'));
    if (type === 'name' && is(i + 1, '(') && !isAlias) {
      throw refuse(i, `the function "${value}" is named in quotes`);
    }
    if (type !== 'word') continue;
    const isFrom =
      value === 'from' &&
      !withFrom.has(frame.opened ?? '') &&
      !(at(i - 1, 'distinct') && (at(i - 2, 'is') || (at(i - 2, 'not') && at(i - 3, 'is'))));
    if (isFrom || value === 'join') {
      if (frames.length === 1 && use !== 'statement' && !isSource) throw refuse(i, `the word ${value.toUpperCase()} begins a clause outside of parentheses`);
      frame.inFrom = true;
      frame.expectsTable = true;
      continue;
    }
    if (frames.length === 1 && use !== 'statement') {
      const isClause = clauses.has(value) && !(use === 'conflict' && value === 'where') && !(value === 'group' && at(i - 1, 'within'));
      if (isClause) throw refuse(i, `the word ${value.toUpperCase()} begins a clause outside of parentheses`);
      if (use === 'joined source' && (value === 'right' || value === 'full') && !is(i + 1, '(')) {
        throw refuse(i, `a ${value.toUpperCase()} JOIN outside of parentheses reaches the tables before it`);
      }
    }
    if (endsFrom.has(value) && !(value === 'group' && at(i - 1, 'within'))) frame.inFrom = false;
    if (is(i + 1, '(') && !notFunctions.has(value) && !isAlias && !safeFunctions.has(value)) {
      throw refuse(i, `the function ${value}() is not known to read its arguments only`);
    }
  }
  const last = tokens.length - 1;
  if (cteHead || frames.length > 1) throw refuse(last, 'a parenthesis is not closed');
  if (frames[0]!.expectsTable) throw refuse(last, 'a table is missing');
  return uses;
}
