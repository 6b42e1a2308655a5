/** Rows for a schema: tenants that share their keys and some of what the rows say, and differ in the rest. */
import { Draw, keyText, states, words, type ColumnSpec, type SchemaSpec, type TableSpec } from './spec.js';

/** Whose rows a database holds, by the number of the tenant; every reference table has its rows anyway. */
export interface Rows {
  readonly tenancy: number;
  readonly tenant: number;
  /** Statements that insert them. */
  readonly sql: string;
}

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
const sqlKey = keyText;

/** The rows of the reference tables. */
export function referenceRows(spec: SchemaSpec): string {
  return spec.tables
    .filter((it) => it.kind === 'reference')
    .map(
      (table) =>
        `insert into ${table.sqlName} values ${words
          .slice(0, 5)
          .map((word, i) => `(${i + 1}, ${text(word)}, ${(i * 2) % 5}, ${text(`c${i}`)})`)
          .join(', ')};`,
    )
    .join('\n');
}

/** The rows of one tenant. */
export function tenantRows(spec: SchemaSpec, seed: number, tenancy: number, tenant: number): Rows {
  const draw = new Draw(seed * 7 + spec.index * 101 + tenancy * 13 + tenant * 3 + 1);
  const id = spec.tenancies[tenancy]!.sqlIds[tenant]!;
  /** The keys that a table has for this tenant, each a list of SQL values. */
  const keys = new Map<string, string[][]>();
  const statements: string[] = [];

  const value = (table: TableSpec, column: ColumnSpec, i: number): string => {
    const isMissing = !column.notNull && draw.chance(0.2);
    if (isMissing) return 'null';
    switch (column.kind) {
      case 'int':
        return String(draw.below(7) + (draw.chance(0.3) ? tenant * 8 : 0));
      case 'text':
        if (column.unique)
          return text(`${words[i % words.length]!}${i < words.length && draw.chance(0.5) ? '' : `-${tenant}-${i}`}`);
        return text(draw.chance(0.3) ? `${draw.of(words)} of ${tenant}` : draw.of(words));
      case 'bool':
        return String(draw.chance(0.5));
      case 'enum':
        return text(draw.of(states));
      case 'array':
        return draw.chance(0.3)
          ? "'{}'"
          : text(`{"${draw.of(words)}","${draw.chance(0.5) ? `t${tenant}` : draw.of(words)}"}`);
      case 'json':
        return text(JSON.stringify({ level: draw.below(5), label: draw.chance(0.5) ? `t${tenant}` : draw.of(words) }));
      case 'numeric':
        return `${draw.below(9)}.${tenant}`;
      case 'time':
        return text(`2024-0${1 + draw.below(8)}-0${tenant + 1} 00:00:00`);
      default:
        throw new Error(`No value for ${table.name}.${column.key}`);
    }
  };

  for (const table of spec.tables) {
    if (table.tenancy !== tenancy || table.kind === 'view' || table.kind === 'materialized view') continue;
    const written = table.columns.filter((it) => it.made !== 'generated');
    // A tenant without rows where others have some, and one with more of them.
    const isEmpty = table.kind === 'tenant' && draw.chance(0.06);
    const wanted = table.kind === 'root' ? 1 : isEmpty ? 0 : 3 + draw.below(4) + (tenant === 2 ? 2 : 0);
    const own: string[][] = [];
    const rows: string[] = [];
    for (let i = 0; i < wanted; i++) {
      const parentKeys = new Map<string, string | undefined>();
      let isPossible = true;
      for (const link of spec.links.filter((it) => it.from === table.name)) {
        const target = spec.tables.find((it) => it.name === link.to)!;
        const choices =
          link.to === table.name
            ? own
            : target.kind === 'reference'
              ? [1, 2, 3, 4, 5].map((n) => [String(n)])
              : (keys.get(link.to) ?? []);
        const isNeeded = link.fromKeys.some((key) => table.columns.find((it) => it.key === key)!.notNull);
        const chosen = choices.length > 0 && (isNeeded || draw.chance(0.75)) ? draw.of(choices) : undefined;
        if (!chosen && isNeeded) isPossible = false;
        link.fromKeys.forEach((key, at) => parentKeys.set(key, chosen?.[at]));
      }
      if (!isPossible) continue;
      const key = table.key.map((it) => {
        const column = table.columns.find((column) => column.key === it)!;
        return parentKeys.has(it)
          ? parentKeys.get(it)!
          : it === 'slot'
            ? sqlKey(column.kind, i % 2)
            : it === 'day'
              ? sqlKey(column.kind, (i >> 1) + 1)
              : sqlKey(column.kind, i + 1);
      });
      if (own.some((it) => it.join() === key.join())) continue;
      own.push(key);
      const cells = written.map((column) => {
        if (column.key === table.tenantKey) return id;
        const at = table.key.indexOf(column.key);
        if (at >= 0) return key[at]!;
        return parentKeys.has(column.key) ? (parentKeys.get(column.key) ?? 'null') : value(table, column, i);
      });
      rows.push(`(${cells.join(', ')})`);
    }
    keys.set(table.name, own);
    if (rows.length > 0)
      statements.push(
        `insert into ${table.sqlName} (${written.map((it) => `"${it.name}"`).join(', ')}) ` +
          `values\n  ${rows.join(',\n  ')};`,
      );
  }
  return { tenancy, tenant, sql: statements.join('\n') };
}
