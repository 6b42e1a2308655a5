/** Effect's SqlClient: every statement of an Effect is confined to one tenant. */
import * as Effect from 'effect/Effect';
import * as Statement from 'effect/sql/Statement';
import type { TenantId } from 'drizzle-tenant';
import { confine, ready } from 'drizzle-tenant/sql';
import * as schema from '../schema.js';

/**
 * A statement that cannot be confined is a defect with the typed error: a program that is tested never sends one.
 *
 * @returns what runs an Effect for one tenant, as in `program.pipe(forTenant(id))`
 */
export const forTenant =
  (tenant: TenantId<'account'>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.promise(async () => ready).pipe(
      Effect.andThen(effect),
      Effect.provideService(Statement.CurrentTransformer, (statement, sql) =>
        Effect.sync(() => {
          const { text, params } = confine(...statement.compile(), { tables: schema, tenant });
          return sql.unsafe<object>(text, params);
        }),
      ),
    );
