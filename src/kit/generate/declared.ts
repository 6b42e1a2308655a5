/** What the schema declares: which table belongs to which tenancy, and in which groups Citus holds them. */
import type { PgTable } from 'drizzle-orm/pg-core';
import type { TableClass } from '../../schema/classify.js';
import { namesOfTable } from '../../schema/names.js';
import { tenantSetting } from '../../rls/names.js';
import { MigrationFolderError, TenantConfigError } from '../errors.js';
import { keyOf, type TableName } from '../names.js';
import type { Options } from '../options.js';
import type { Entities, Row } from '../snapshot.js';
import type { TableState, TenancyState } from '../state.js';

/** One tenant or reference table, as the schema declares it; or a plain one that has a tenant column. */
export interface Declared extends TableName {
  readonly kind: 'tenant' | 'reference' | 'plain';
  readonly tenancy?: string;
  readonly column?: string;
  /** Whether NULL in the tenant column means everybody's row. */
  readonly everybody?: boolean;
  readonly table: PgTable;
}

/** A table's name in the database. */
export const tableName = (table: object): TableName => {
  const [schema, name] = namesOfTable(table);
  return { schema: schema ?? 'public', name };
};

const listenerKey = Symbol.for('drizzle-tenant:kit');
const columnListenerKey = Symbol.for('drizzle-tenant:kit:column');

/**
 * Hears of every table that is declared from now on, whichever copy of drizzle-tenant declares it.
 *
 * @returns the tables so far: the list grows
 */
export function listen(): Declared[] {
  const declared: Declared[] = [];
  const earlier = (globalThis as any)[listenerKey];
  const earlierColumn = (globalThis as any)[columnListenerKey];
  (globalThis as any)[columnListenerKey] = (builder: any, tenancy: string) => {
    earlierColumn?.(builder, tenancy);
    const { build } = builder;
    builder.build = function (table: PgTable) {
      // Until it is declared as another kind, which is when its columns are there.
      declared.push({ ...tableName(table), kind: 'plain', tenancy, column: this.config.name, table });
      return build.call(this, table);
    };
  };
  (globalThis as any)[listenerKey] = (table: PgTable, tableClass: TableClass) => {
    earlier?.(table, tableClass);
    for (let at; (at = declared.findIndex((it) => it.table === table)) >= 0; ) declared.splice(at, 1);
    declared.push({
      ...tableName(table),
      kind: tableClass.kind,
      ...(tableClass.kind === 'tenant' && {
        tenancy: tableClass.tenancy.name,
        column: tableClass.name,
        everybody: tableClass.everybody,
      }),
      table,
    });
  };
  return declared;
}

/** The plain tables of the schema that have a tenant column: neither a handle nor a policy confines them. */
export const plainOf = (declared: readonly Declared[], entities: Entities): Declared[] =>
  declared.filter(
    (it) =>
      it.kind === 'plain' &&
      entities.list('tables').some((table) => keyOf(table as any) === keyOf(it)) &&
      !declared.some((other) => other.kind !== 'plain' && keyOf(other) === keyOf(it)),
  );

/**
 * The state that the schema asks for.
 *
 * @param declared what {@link listen} heard
 * @param entities the tables as drizzle-kit sees them: what the schema does not export is not there
 * @throws TenantConfigError when two exported declarations of one table differ
 */
export function declaredState(declared: readonly Declared[], entities: Entities, options: Options): TenancyState {
  const tables: Record<string, TableState> = {};
  const seen = new Map<string, Declared>();
  for (const it of declared) {
    if (it.kind === 'plain') continue;
    const key = keyOf(it);
    const other = seen.get(key);
    if (other && (other.kind !== it.kind || other.tenancy !== it.tenancy || other.column !== it.column)) {
      throw new TenantConfigError(`Declare "${key}" once: the schema holds two declarations of it that differ.`);
    }
    seen.set(key, it);
  }
  const present = entities.list('tables');
  const tenancyNames = [
    ...new Set([...seen.values()].filter((it) => it.tenancy !== undefined).map((it) => it.tenancy!)),
  ];
  for (const { schema, name } of present) {
    const it = seen.get(keyOf({ schema, name }));
    if (!it) continue;
    if (it.kind === 'reference') {
      tables[keyOf(it)] = { schema, name, kind: 'reference' };
      continue;
    }
    const column = entities.column(it, it.column!);
    if (!column)
      throw new MigrationFolderError(
        `Run generate again: the snapshot has no column "${it.column}" in "${keyOf(it)}".`,
      );
    tables[keyOf(it)] = {
      schema,
      name,
      kind: 'tenant',
      tenancy: it.tenancy!,
      column: it.column!,
      type: sqlType(column),
      ...(it.everybody && { everybody: true }),
      ...(options.rls && {
        rls: { setting: tenantSetting(it.tenancy!, tenancyNames.length === 1) },
      }),
    };
  }
  const tenancies: Record<string, TenancyState['tenancies'][string]> = {};
  for (const name of tenancyNames) {
    const members = Object.values(tables).filter((it) => it.tenancy === name);
    if (members.length === 0) continue;
    const { colocateWith, shardCount } = options.tenancies[name] ?? {};
    const root = rootOf(members, entities);
    tenancies[name] = {
      ...(root && { root: keyOf(root) }),
      shardCount:
        (colocateWith === undefined ? shardCount : options.tenancies[colocateWith]?.shardCount) ?? options.shardCount,
      ...(colocateWith !== undefined && { colocateWith }),
    };
  }
  for (const [name, { colocateWith }] of Object.entries(options.tenancies)) {
    if (tenancyNames.length > 0 && !tenancyNames.includes(name)) {
      throw new TenantConfigError(
        `Take "${name}" out of tenancy.citus.tenancies: ` +
          `the schema has ${tenancyNames.map((it) => `"${it}"`).join(', ')}.`,
      );
    }
    if (colocateWith !== undefined && !tenancies[colocateWith]) {
      throw new TenantConfigError(
        `Set tenancy.citus.tenancies["${name}"].colocateWith to a tenancy of the schema: there is no ` +
          `"${colocateWith}".`,
      );
    }
  }
  return { version: 1, citus: options.citus, tenancies, tables, ...(options.roles && { roles: options.roles }) };
}

/** The root of a tenancy: its tenant column is its whole key, and it is not the child of such a table. */
function rootOf(members: readonly TableState[], entities: Entities): TableState | undefined {
  const candidates = members.filter((it) => {
    const keys = entities.of('pks', it)[0]?.columns as string[] | undefined;
    return keys?.length === 1 && keys[0] === it.column;
  });
  const pointsAt = (from: TableName) =>
    entities
      .of('fks', from)
      .some((fk) => candidates.some((to) => to !== from && fk.schemaTo === to.schema && fk.tableTo === to.name));
  const roots = candidates.filter((it) => !pointsAt(it));
  return [...(roots.length > 0 ? roots : candidates)].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))[0];
}

/** A column's type as it is written in a cast. */
export function sqlType(column: Row): string {
  const name = column.typeSchema ? `"${column.type}"` : column.type;
  return `${column.typeSchema && column.typeSchema !== 'public' ? `"${column.typeSchema}".` : ''}${name}`;
}
