/** What of an insert is decided in Drizzle's builders, before the dialect sees it. */
import { Column, is, Table } from 'drizzle-orm';
import { QueryBuilder } from 'drizzle-orm/pg-core';
import { classOf } from '../schema/classify.js';
import type { ScopedDialect } from './handles.js';

type Class = new (...args: any[]) => any;
const classes = new WeakMap<Class, Class>();

/** Drizzle's insert, whose conflict target is the tenant's: unique constraints have the tenant column first. */
function scopedInsertOf(base: Class): Class {
  let scoped = classes.get(base);
  if (!scoped) {
    scoped = class extends base {
      onConflictDoNothing(config: any = {}) {
        return super.onConflictDoNothing(config.target === undefined ? config : withTenant(this, config));
      }

      onConflictDoUpdate(config: any) {
        return super.onConflictDoUpdate(withTenant(this, config));
      }
    };
    classes.set(base, scoped);
  }
  return scoped;
}

function withTenant(insert: any, config: any) {
  const { table } = insert.config;
  const found = classOf(table);
  // In write-only mode the unique constraints are still without the tenant column.
  if (found?.kind !== 'tenant' || !insert.dialect.scope.filters) return config;
  const target = Array.isArray(config.target) ? config.target : [config.target];
  if (target.some((column: any) => is(column, Column) && column.name === found.name)) return config;
  return { ...config, target: [table[(Table as any).Symbol.Columns][found.key], ...target] };
}

/** Makes the builder that `insert(table)` returns a scoped one. */
export function scopeInsert(builder: any, dialect: ScopedDialect): any {
  builder.builder = scopedInsertOf(builder.builder);
  const { select } = builder;
  builder.select = (query: any) =>
    select.call(builder, typeof query === 'function' ? query(new QueryBuilder(dialect as any)) : query);
  return builder;
}
