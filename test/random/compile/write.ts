/** The text of INSERT, UPDATE and DELETE. */
import type { Bool, Cell, Conflict, Returning, Write } from '../ast.js';
import { keyText, states, words, type ColumnSpec, type TableSpec } from '../spec.js';
import { choose, columnOf, linkOf, quoted, type Env, type Rows } from './env.js';
import { bool, num, text } from './expression.js';
import { joinsOf } from './join.js';
import { valueOf } from './select.js';
import { tableRows } from './source.js';
import { numTemplate } from './template.js';

export interface Written {
  readonly code: string;
  /** What it returns; undefined where it returns no rows. */
  readonly cols: readonly { readonly key: string; readonly kind: ColumnSpec['kind'] }[] | undefined;
}

/** @param list the CTEs that the statement has */
export function writeOf(env: Env, write: Write, list: readonly string[], needsRows = false): Written {
  const table = choose(
    write.k === 'insert select' ? env.writable.filter((it) => it.kind !== 'root') : env.writable,
    write.table,
  );
  const handle = list.length > 0 ? `${env.handle}.with(${list.join(', ')})` : env.handle;
  const returning = needsRows ? (write.returning ?? { fields: [], some: false }) : write.returning;
  env.reach(`${write.k} of ${table.kind}`);
  switch (write.k) {
    case 'insert':
      return insert(env.in('insert'), handle, table, write, returning);
    case 'insert select':
      return insertSelect(env.in('insert select'), handle, table, write, returning);
    case 'update':
      return update(env.in('update'), handle, table, write, returning);
    case 'delete':
      return remove(env.in('delete'), handle, table, write.where, returning);
  }
}

function remove(
  env: Env,
  handle: string,
  table: TableSpec,
  condition: Bool | null,
  returning: Returning | null,
): Written {
  const rows = bare(table);
  const inner = env.with({ rows: [rows] });
  const where = condition ? `.where(${bool(inner.in('where'), condition)})` : '';
  if (where) inner.reach('where');
  return returned(inner, `${handle}.delete(${table.name})${where}`, rows, returning);
}

/** The table that is written, by its own name. */
const bare = (table: TableSpec): Rows => ({
  code: table.name,
  name: table.name,
  table,
  kind: table.kind,
  isAlias: false,
  cols: table.columns.map((it) => ({ code: `${table.name}.${it.key}`, kind: it.kind, key: it.key, name: it.name })),
  total: [],
});

function returned(env: Env, code: string, rows: Rows, returning: Returning | null, ownOnly: Env = env): Written {
  if (!returning) return { code, cols: undefined };
  env.reach('returning');
  if (!returning.some || returning.fields.length === 0) {
    if (env.rows.length > 1)
      return {
        code: `${code}.returning({ ${rows.cols.map((it) => `${it.key}: ${it.code}`).join(', ')} })`,
        cols: rows.cols,
      };
    return { code: `${code}.returning()`, cols: rows.cols };
  }
  const inner = ownOnly.in('returning').with({ outer: [] });
  const cols = returning.fields.map((field) => {
    const kind = field.k === 'text' ? 'text' : field.k === 'bool' ? 'bool' : 'int';
    const key = env.name('c');
    const value =
      field.k === 'column' && field.n % 3 === 0 ? numTemplate(inner, field.n, field.n) : valueOf(inner, field, kind);
    return { key, kind, code: `sql\`\${${value}}\`.as('${key}')` } as const;
  });
  return { code: `${code}.returning({ ${cols.map((it) => `${it.key}: ${it.code}`).join(', ')} })`, cols };
}

/** The value of a column; undefined leaves it out. */
function cellOf(env: Env, column: ColumnSpec, cell: Cell): string | undefined {
  const { kind } = column;
  const isOptional = !column.notNull || column.made !== undefined;
  if (cell.k === 0 && isOptional) return undefined;
  if (cell.k === 3 && !column.notNull) return 'null';
  if (column.to !== undefined) {
    if (cell.k === 2) return `sql\`\${${keyText(kind, 1 + (cell.n % 9))}}\``;
    return keyText(kind, 1 + (cell.n % (cell.n % 5 === 0 ? 9 : 3)));
  }
  switch (kind) {
    case 'int':
      return cell.k === 2
        ? `sql\`\${${num(env.in('value'), cell.num)}}\``
        : String(cell.n % 60 === 59 ? 200 : cell.n % 9);
    case 'text':
      return cell.k === 2
        ? `sql\`\${${text(env.in('value'), cell.text)}}\``
        : quoted(`${choose(words, cell.n)}${cell.n % 3 === 0 ? ` ${cell.n}` : ''}`);
    case 'bool':
      return String(cell.n % 2 === 0);
    case 'enum':
      return quoted(choose(states, cell.n));
    case 'array':
      return `[${quoted(choose(words, cell.n))}, 'a,"b'].slice(0, ${cell.n % 3})`;
    case 'json':
      return `{ level: ${cell.n % 5}, label: ${quoted(choose(words, cell.n))} }`;
    case 'numeric':
      return `'${cell.n % 9}.5'`;
    case 'time':
      return `'2024-0${1 + (cell.n % 8)}-15 00:00:00'`;
    default:
      throw new Error(`No value of ${kind}`);
  }
}

const isWritten = (table: TableSpec, column: ColumnSpec) =>
  column.made !== 'generated' && column.key !== table.tenantKey && !table.key.includes(column.key);

function insert(
  env: Env,
  handle: string,
  table: TableSpec,
  write: Extract<Write, { k: 'insert' }>,
  returning: Returning | null,
): Written {
  const { several } = env.shared;
  const rows = write.rows.map(({ key, tenant, cells }) => {
    const parts: string[] = [];
    if (tenant || several) parts.push(`${table.tenantKey}: ${several ? `ids[${key % 2}]` : 'id'}`);
    const ids = table.key.map(
      (it, i) =>
        [
          it,
          table.kind === 'link' ? 1 + ((i === 0 ? key : key >> 2) % 5) : it === 'slot' ? key % 2 : 1 + (key % 12),
        ] as const,
    );
    for (const [it, n] of ids) parts.push(`${it}: ${keyText(columnOf(table, it).kind, n)}`);
    table.columns
      .filter((it) => isWritten(table, it))
      .forEach((column, i) => {
        const code = cellOf(env, column, cells[i % cells.length]!);
        if (code !== undefined) parts.push(`${column.key}: ${code}`);
      });
    return `{ ${parts.join(', ')} }`;
  });
  if (rows.length > 1) env.reach('several rows');
  const target = bare(table);
  const values = rows.length === 1 ? rows[0] : `[${rows.join(', ')}]`;
  const code = `${handle}.insert(${table.name}).values(${values})${conflictOf(env, table, write.conflict)}`;
  return returned(env.with({ rows: [target] }), code, target, returning);
}

function conflictOf(env: Env, table: TableSpec, conflict: Conflict | null): string {
  if (!conflict) return '';
  const code = table.columns.find((it) => it.unique);
  const target = conflict.target % 3 === 0 && code ? [code.key] : table.key.length > 0 ? table.key : [table.tenantKey!];
  const named = target.map((key) => `${table.name}.${key}`);
  const at = named.length === 1 ? named[0]! : `[${named.join(', ')}]`;
  if (conflict.action % 3 === 0) {
    env.reach(conflict.action % 2 === 0 ? 'on conflict do nothing' : 'on conflict of a target do nothing');
    return `.onConflictDoNothing(${conflict.action % 2 === 0 ? '' : `{ target: ${at} }`})`;
  }
  env.reach('on conflict do update');
  const inner = env.in('on conflict').with({ rows: [bare(table)] });
  const columns = table.columns.filter((it) => isWritten(table, it) && it.to === undefined);
  const set = new Map<string, string>();
  conflict.set.forEach((cell) => {
    const column = choose(columns, cell.n);
    const value = cell.k === 0 ? `sql\`excluded.${`"${column.name}"`}\`` : cellOf(inner, column, cell);
    if (value !== undefined) set.set(column.key, value);
  });
  if (set.size === 0) set.set('label', "sql`excluded.label || '!'`");
  const where = conflict.where ? `, setWhere: ${bool(inner.in('setWhere'), conflict.where)}` : '';
  if (where) inner.reach('setWhere');
  return (
    `.onConflictDoUpdate({ target: ${at}, ` +
    `set: { ${[...set].map(([key, value]) => `${key}: ${value}`).join(', ')} }${where} })`
  );
}

/** Rows of the table itself under other keys, which is always a row that fits. */
function insertSelect(
  env: Env,
  handle: string,
  table: TableSpec,
  write: Extract<Write, { k: 'insert select' }>,
  returning: Returning | null,
): Written {
  const from = tableRows(env, table, write.style % 2 === 0);
  const { env: inner, joins } = joinsOf(env.with({ rows: [from] }), write.joins, ['inner', 'left']);
  const fields = table.columns.flatMap((column) => {
    const own = `${from.code}.${column.key}`;
    if (column.made === 'generated' || column.key === table.tenantKey) return [];
    const isKey = table.kind !== 'link' && table.key.includes(column.key) && column.key !== 'slot';
    if (isKey && (column.kind === 'key integer' || column.kind === 'key bigint'))
      return `${column.key}: sql\`\${${own}} + ${write.shift * 20}\`.as('${env.name('c')}')`;
    if (isKey && column.kind === 'key text')
      return `${column.key}: sql\`\${${own}} || ${`'${'n'.repeat(write.shift)}'`}\`.as('${env.name('c')}')`;
    if (isKey) return `${column.key}: sql\`gen_random_uuid()\`.as('${env.name('c')}')`;
    if (column.unique) return `${column.key}: sql\`\${${own}} || '~'\`.as('${env.name('c')}')`;
    return `${column.key}: ${own}`;
  });
  // A key that is drawn anew each time cannot be compared.
  const isRandom =
    table.columns.some((it) => table.key.includes(it.key) && it.kind === 'key uuid') && table.kind !== 'link';
  if (isRandom || env.shared.several) return remove(env, handle, table, write.where, returning);
  const where = write.where ? `.where(${bool(inner.in('where'), write.where)})` : '';
  const select = `select({ ${fields.join(', ')} }).from(${from.code})${joins.join('')}${where}`;
  const query = write.style % 3 === 1 ? `(qb) => qb.${select}` : `${env.handle}.${select}`;
  if (write.style % 3 === 1) env.reach('a query by a callback');
  const target = bare(table);
  return returned(
    env.with({ rows: [target] }),
    `${handle}.insert(${table.name}).select(${query})${conflictOf(env, table, write.conflict)}`,
    target,
    returning,
  );
}

function update(
  env: Env,
  handle: string,
  table: TableSpec,
  write: Extract<Write, { k: 'update' }>,
  returning: Returning | null,
): Written {
  const target = write.alias ? tableRows(env, table, true) : bare(table);
  let inner = env.with({ rows: [target] });
  let from = '';
  // A row of the target may match one row of the source only, or which one counts would be chance.
  const links = env.spec.links.filter((it) => it.from === table.name && it.to !== table.name);
  let condition: string | undefined;
  let isSingle = true;
  if (write.from && links.length > 0) {
    const link = choose(links, write.from.k);
    const source = tableRows(inner, env.table(link.to), write.from.k % 4 === 0);
    inner = inner.with({ rows: [target, source] });
    condition = linkOf(inner, target, source);
    env.reach(`update from ${source.kind}`);
    from = `.from(${source.code})`;
    if (write.from.join !== null) {
      const ways = env.spec.links.filter((it) => it.from === link.to && it.to !== link.to);
      const onward = ways.length > 0 ? choose(ways, write.from.join) : undefined;
      const joined = onward && tableRows(inner, env.table(onward.to), false);
      if (joined) {
        const type = choose(['left', 'inner', 'right', 'full'], write.from.joinType);
        const on = linkOf(inner.with({ rows: [source, joined] }), source, joined)!;
        env.reach(`update from, ${type} join`);
        from += `.${type}Join(${joined.code}, ${on})`;
        isSingle = type === 'left' || type === 'inner';
        inner = inner.with({ rows: isSingle ? [target, source, joined] : [target, source] });
      }
    }
  }
  const own = isSingle ? inner : inner.with({ rows: [target] });
  const columns = table.columns.filter((it) => isWritten(table, it) && it.made !== 'identity');
  const set = new Map<string, string>();
  for (const { n, cell } of write.sets) {
    const column = choose(columns, n);
    const code = cellOf(own.in('set'), column, cell);
    if (code !== undefined) set.set(column.key, code);
  }
  if (set.size === 0) set.set('label', `sql\`\${${target.code}.label} || '!'\``);
  const conditions = [condition, write.where ? bool(inner.in('where'), write.where) : undefined].filter(
    (it) => it !== undefined,
  );
  if (write.where) inner.reach('where');
  const where =
    conditions.length === 0
      ? ''
      : `.where(${conditions.length === 1 ? conditions[0] : `and(${conditions.join(', ')})`})`;
  const code =
    `${handle}.update(${target.code}).set({ ${[...set].map(([key, value]) => `${key}: ${value}`).join(', ')} ` +
    `})${from}${where}`;
  return returned(inner, code, target, returning, own);
}
