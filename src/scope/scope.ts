/**
 * Whose rows a handle sees, and what that means for one table: the predicate that confines it. Nothing else in
 * the library makes a tenant predicate.
 */
import { Param, SQL, sql, StringChunk, Table, View, is } from 'drizzle-orm';
import { aliasedTable } from 'drizzle-orm/alias';
import { ViewBaseConfig } from 'drizzle-orm/view-common';
import { classOf, isDisputed, nameOf, tableOf, type TableClass, type TenantClass } from '../schema/classify.js';
import { chunkKindOf, chunkKinds } from './chunks.js';
import { TenantMismatchError, UnscopedTableError } from '../schema/index.js';
import { namesOfTable } from '../schema/names.js';
import { idOf, type AnyTenancy } from '../schema/tenancy.js';

/** One tenant, several, all of them with a reason, or none: the reference tables only. */
export type Reach =
  | { readonly kind: 'one'; readonly id: unknown }
  | { readonly kind: 'several'; readonly ids: readonly unknown[] }
  | { readonly kind: 'all'; readonly comment: string }
  | { readonly kind: 'shared' };

export class Scope {
  #tenancy: AnyTenancy | undefined;

  /**
   * @param reach whose rows
   * @param filters false in write-only mode: new rows get their tenant, and nothing is filtered yet
   * @param tenancy the tenancy, where it is known before a table is seen
   * @param isOwn whether a class is that of a table of the handle's relations: what they say of a name holds
   */
  constructor(
    readonly reach: Reach,
    readonly filters: boolean = true,
    tenancy?: AnyTenancy,
    readonly isOwn: (tableClass: TableClass) => boolean = () => false,
  ) {
    this.#tenancy = tenancy;
    if (reach.kind === 'several') Object.freeze(reach.ids);
    Object.freeze(reach);
    Object.freeze(this);
  }

  /** The tenancy, as soon as it is known. */
  get tenancy(): AnyTenancy | undefined {
    return this.#tenancy;
  }

  /** What a cache entry of this scope is filed under. */
  get key(): string {
    const { reach } = this;
    const ids = reach.kind === 'one' ? [reach.id] : reach.kind === 'several' ? reach.ids : [];
    return JSON.stringify([reach.kind, this.#tenancy?.name ?? null, ...ids.map(String)]);
  }

  /** Whether a query built for `other` may be part of one built for this scope. */
  includes(other: Scope): boolean {
    if (this === other) return true;
    const [a, b] = [this.reach, other.reach];
    if (b.kind === 'shared') return true;
    if (this.filters && !other.filters) return false;
    if (this.#tenancy && other.#tenancy && this.#tenancy !== other.#tenancy) return false;
    if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;
    if (a.kind === 'several') {
      const ids = b.kind === 'one' ? [b.id] : b.kind === 'several' ? b.ids : undefined;
      return ids?.every((id) => a.ids.includes(id)) ?? false;
    }
    return a.kind === b.kind || (a.kind === 'all' && b.kind !== 'all');
  }

  /**
   * Admits a table or view to a statement.
   *
   * @returns the table's class
   * @throws UnscopedTableError when it is unclassified, or not of this scope
   */
  admit(table: object): TableClass {
    const found = classOf(table);
    if (!found) {
      const name = nameOf(table);
      throw new UnscopedTableError(
        name,
        is(table, View)
          ? `Expose the tenant column in the view "${name}": a scoped handle reads no view that hides whose rows it shows.`
          : `Declare "${name}" with tenantTable() or referenceTable(): a scoped handle touches no other table.`,
      );
    }
    if (isDisputed(table, found) && !this.isOwn(found)) {
      const name = nameOf(table);
      throw new UnscopedTableError(name, `Declare "${name}" once, or give it to withTenancy() in its relations: the process declares it twice, and not alike.`);
    }
    found.validate();
    if (found.kind === 'reference') return found;
    const { reach } = this;
    if (reach.kind === 'shared') {
      const name = nameOf(table);
      throw new UnscopedTableError(name, `Use db.forTenant(id) for "${name}": db.shared holds the reference tables only.`);
    }
    if (reach.kind === 'all' || this.#tenancy === found.tenancy) return found;
    const ids = reach.kind === 'one' ? [reach.id] : reach.ids;
    if (this.#tenancy || ids.some((id) => idOf(id, found.tenancy) !== id)) {
      const name = nameOf(table);
      throw new UnscopedTableError(
        name,
        `Use a handle of the tenancy "${found.tenancy.name}" for "${name}", as in db.forTenant(${found.tenancy.name}Id): ` +
          'this handle belongs to another tenancy.',
      );
    }
    this.#tenancy = found.tenancy;
    return found;
  }

  /**
   * The predicate that confines a table to this scope, on the name by which the statement knows the table.
   *
   * @param name the table, where the statement does not know it by its own name
   * @returns undefined for a reference table, and where this scope filters nothing
   */
  predicate(table: object, found: TableClass, name?: SQL): SQL | undefined {
    if (found.kind === 'reference' || !this.filters) return undefined;
    switch (this.reach.kind) {
      case 'one':
        return new SQL([tenantColumn(table, found, name), equals, new Param(this.reach.id, found.column)]);
      case 'several':
        if (this.reach.ids.length > cheap) return isOneOf(tenantColumn(table, found, name), this.reach.ids, found.column);
        return sql`${tenantColumn(table, found, name)} in ${this.reach.ids.map((id) => new Param(id, found.column))}`;
      case 'all':
        return undefined;
      case 'shared':
        throw new UnscopedTableError(nameOf(table), `Use db.forTenant(id) for "${nameOf(table)}".`);
    }
  }

  /** The tenant column of a table that is joined on it, where one literal does not say it already. */
  joinColumn(table: object, found: TableClass, isBare = false): SQL | undefined {
    if (found.kind === 'reference' || !this.filters || this.reach.kind === 'one') return undefined;
    return sql`${tenantColumn(table, found, isBare ? sql`${sql.identifier(namesOf(table)[2])}` : undefined)}`;
  }

  /** The rows of a table within this scope, as a query of their own; undefined where nothing confines them. */
  rowsOf(table: object, found: TableClass): SQL | undefined {
    // The table itself where there is one: Drizzle's cache looks for tables in the SQL.
    const original = tableOf(found);
    const name = original ? undefined : originalName(table);
    const predicate = this.predicate(original ?? table, found, name);
    return predicate && new SQL([rowsFrom, original ?? name!, where, predicate]);
  }

  /**
   * The tenant of a new row.
   *
   * @param given what the row says itself
   * @returns the value for the tenant column; undefined leaves it to the column's default
   * @throws TenantMismatchError when the row names a tenant that is not this scope's
   */
  tenantOf(table: object, found: TenantClass, given: unknown): unknown {
    const { reach } = this;
    const name = nameOf(table);
    const value = is(given, Param) ? given.value : given;
    if (reach.kind === 'one') {
      if (value !== undefined && idOf(value, found.tenancy) !== reach.id) {
        throw new TenantMismatchError(
          `Leave "${found.key}" out of values(): the handle fills it in, and a row for "${name}" names another tenant. ` +
            "To write for that tenant, use that tenant's handle.",
        );
      }
      return reach.id;
    }
    if (value === undefined && reach.kind === 'all' && found.column.hasDefault) return undefined;
    const id = idOf(value, found.tenancy);
    if (id === undefined || (reach.kind === 'several' && !reach.ids.includes(id))) {
      throw new TenantMismatchError(
        `Name the tenant of each row in "${found.key}": a row for "${name}" ` +
          (value === undefined ? 'names none.' : reach.kind === 'several' ? 'names none of this handle\'s tenants.' : 'names none.'),
      );
    }
    return id;
  }
}

/** A list of so many costs no more than one operator. */
const cheap = 2;

/**
 * The predicate of many tenants. PostgreSQL looks first at the conditions that cost least, and a list costs the more
 * the longer it is: what a user wrote would meet other tenants' rows, and raise an error that tells of them. One
 * function costs no more than what he writes, and is not taken for rarer than it is.
 */
function isOneOf(column: SQL | StringChunk, ids: readonly unknown[], type: TenantClass['column']): SQL {
  const params = () => ids.map((id) => new Param(id, type));
  return sql`array_position(array[${sql.join(params(), sql`, `)}]::${typeOf(type)}[], ${column}) is not null and ${column} in ${params()}`;
}

/** The type of a tenant column. Drizzle writes the name of an enum in quotes, and with its schema, where it is given the enum itself. */
export const typeOf = (column: TenantClass['column']): SQL => (column as any).enum ?? sql.raw(column.getSQLType());

const { IsAlias } = (Table as any).Symbol;

/** A table's schema, its name in the database, and the name by which a statement knows it. */
export function namesOf(table: object): [schema: string | undefined, original: string, known: string] {
  if (chunkKindOf(table) === chunkKinds.view) {
    const { schema, originalName, name } = (table as any)[ViewBaseConfig];
    return [schema, originalName, name];
  }
  return namesOfTable(table);
}

const [equals, rowsFrom, where] = [' = ', 'select * from ', ' where '].map((text) => Object.freeze(new StringChunk(text))) as [StringChunk, StringChunk, StringChunk];
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The names of tenant columns, as they are rendered: the same in each statement. */
const columnNames = new WeakMap<object, { readonly schema: string | undefined; readonly known: string; readonly chunk: StringChunk }>();

/** A table's tenant column, behind the name by which the statement knows the table. */
function tenantColumn(table: object, found: TenantClass, name?: SQL): SQL | StringChunk {
  if (name || isAlias(table)) return sql`${name ?? knownName(table)}.${sql.identifier(found.name)}`;
  const [schema, , known] = namesOf(table);
  const kept = columnNames.get(table);
  if (kept?.known === known && kept.schema === schema) return kept.chunk;
  const chunk = Object.freeze(new StringChunk([...(schema ? [schema] : []), known, found.name].map(quoted).join('.')));
  columnNames.set(table, { schema, known, chunk });
  return chunk;
}

/**
 * The table as it was declared, or an alias of that: the names that a statement is built with are those that were looked
 * at, whatever the object says that the application gave.
 */
export function ownOf(table: object, found: TableClass): object {
  const declared = tableOf(found);
  if (!declared || declared === table) return table;
  const [, , known] = namesOf(table);
  return known === namesOf(declared)[2] ? declared : aliasedTable(declared, known);
}

/** The table by its name in the database, whatever the statement calls it. */
export function originalName(table: object): SQL {
  const [schema, original] = namesOf(table);
  return schema ? sql`${sql.identifier(schema)}.${sql.identifier(original)}` : sql`${sql.identifier(original)}`;
}

/** The table by the name by which the statement knows it. */
export function knownName(table: object): SQL {
  const [schema, , known] = namesOf(table);
  return schema && !isAlias(table) ? sql`${sql.identifier(schema)}.${sql.identifier(known)}` : sql`${sql.identifier(known)}`;
}

function isAlias(table: object): boolean {
  return chunkKindOf(table) === chunkKinds.view ? (table as any)[ViewBaseConfig].isAlias : (table as any)[IsAlias];
}

/** Whether the names of a table's columns begin with a schema. */
export function isQualified(table: object): boolean {
  return namesOf(table)[0] !== undefined && !isAlias(table);
}
