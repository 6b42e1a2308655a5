/** SQL written by hand, in production: proved to be the handle's tenant's before anything is sent. */
import { is, Param } from 'drizzle-orm';
import { RawSqlNotScopedError } from '../schema/index.js';
import { nameOf } from '../schema/classify.js';
import type { Prover } from '../sql/index.js';
import type { ScopedDialect } from './handles.js';
import type { RenderedQuery } from './rendered.js';

/**
 * @param own the tables of the handles
 * @returns what loads the prover when raw SQL is first run: an application without any bundles the core alone
 */
export function proverOf(own: readonly object[]): () => Promise<Prover> {
  let prover: Promise<Prover> | undefined;
  return Object.freeze(() => (prover ??= import('../sql/index.js').then(({ Prover }) => new Prover(own))));
}

/**
 * @param query a rendered query
 * @param dialect of the handle that runs it
 * @throws RawSqlNotScopedError, UnscopedTableError
 */
export async function prove({ sql, params }: RenderedQuery, { scope, prover: load }: ScopedDialect): Promise<void> {
  const { reach } = scope;
  if (reach.kind === 'all') return;
  const ids = reach.kind === 'one' ? [reach.id] : reach.kind === 'several' ? reach.ids : undefined;
  const prover = await load();
  const tables = await prover.prove({
    text: sql,
    params,
    tenants: ids && new Set(ids.filter(isValue).map(String)),
    // The tenant of a prepared statement, which no application can name.
    carries: ids && ((param) => typeof param === 'object' && (ids.includes(param) || (is(param, Param) && ids.includes(param.value)))),
  });
  for (const { table } of tables) {
    const found = scope.admit(table);
    if (found.kind === 'tenant' && ids?.some((id) => isValue(id) && String(found.column.mapToDriverValue(id)) !== String(id))) {
      throw new RawSqlNotScopedError(`"${nameOf(table)}" keeps its tenant in another form than the id's`, '');
    }
  }
}

const isValue = (id: unknown) => typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint';
