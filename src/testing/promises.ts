/** The helpers for tests, as promises. */
import type { TenancyDatabase } from '../data/database.types.js';
import { withTenancy } from '../data/with-tenancy.js';
import type { TenantDatabase, WithTenancyOptions } from '../handle/database.types.js';
import { declaredTenancies, idOf, type TenantId } from '../schema/tenancy.js';
import { UnsupportedTenantOperationError } from '../errors.js';
import { fresh, prepared, type Fresh, type FreshOptions } from './fresh.js';
import { errorOutcome, judge, tablesOf, type Outcome } from './isolation.js';

/** A database for a test, and gone after it. */
export interface FreshDatabase {
  /** Drizzle's handle, without any scope: `withTenancy(drizzle, { relations })` scopes it. */
  readonly drizzle: any;
  readonly close: () => Promise<void>;
  /** The same as `close`, for `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/**
 * Makes a database, migrated, that nothing else uses.
 *
 * @param options the migrations or the schema; PGlite, unless `server` is the URL of a PostgreSQL server, whose role
 *   needs CREATEDB
 * @throws TestDatabaseError where it cannot be made
 * @example
 * const database = await freshDatabase({ schema });
 * onTestFinished(database.close); // of Vitest; in node:test, t.after(database.close); or `await using database = ...`
 * const db = withTenancy(database.drizzle, { relations });
 */
export async function freshDatabase(options: FreshOptions): Promise<FreshDatabase> {
  const { drizzle, close } = await prepared(() => fresh(options));
  return { drizzle, close, [Symbol.asyncDispose]: close };
}

/** What `expectIsolated` needs to know. */
export interface IsolationOptions<Name extends string, TRelations extends object> extends FreshOptions {
  /** From `defineTenantRelations`. */
  readonly relations: TRelations;
  /** The tenant for which the program runs. */
  readonly tenant: TenantId<Name>;
  /** Fills the database with the rows of this tenant and of others: the more alike their ids are, the more is seen. */
  readonly seed: (db: TenancyDatabase<TRelations>) => PromiseLike<unknown>;
  /** Whether the order of lists counts. Not unless told: a program without ORDER BY leaves it to PostgreSQL. */
  readonly ordered?: boolean | undefined;
  /** What else the application gives to `withTenancy`. */
  readonly options?: Omit<WithTenancyOptions<TRelations>, 'relations'> | undefined;
}

/**
 * Rejects where a program of the application is not confined to its tenant: it runs over a database with many tenants,
 * and over a copy that holds this one alone, and must do the same.
 *
 * New uuids, and dates of now, are alike whatever they are; everything else is compared as it is.
 *
 * @param options the schema or the migrations, the relations, the tenant, and rows to look at
 * @param program what the application does for a tenant; it is given the database, too
 * @returns what the program returned; it rejects with what the program threw, where it threw the same on both
 * @throws IsolationError where they differ, TestDatabaseError where a database cannot be made
 * @example
 * it('keeps the projects apart', () =>
 *   expectIsolated({ schema, relations, tenant: id, seed: seedRows }, (tdb) => tdb.select().from(projects)));
 */
export async function expectIsolated<Name extends string, TRelations extends object, A>(
  given: IsolationOptions<Name, TRelations>,
  program: (tdb: TenantDatabase<Name, TRelations>, db: TenancyDatabase<TRelations>) => PromiseLike<A>,
): Promise<A> {
  const { relations, tenant, seed, ordered = false, options } = given;
  const tenancy = declaredTenancies().find(
    (it) => idOf(tenant, it) !== undefined && tablesOf(relations, it).some(([, column]) => column !== undefined),
  );
  if (!tenancy)
    throw new UnsupportedTenantOperationError(
      "Give expectIsolated() the relations of the tenant's tables: there is no tenant table of its tenancy among them.",
    );
  const scoped = (database: Fresh) => withTenancy(database.drizzle, { ...options, relations } as any) as any;
  const many = await prepared(() => fresh(given));
  try {
    await seed(scoped(many));
    const alone = await prepared(() => many.copy());
    try {
      const verdict = await prepared(() =>
        judge(many, alone, { tables: tablesOf(relations, tenancy), tenant, ordered }),
      );
      const runs: { outcome: Outcome; settle: () => A }[] = [];
      for (const database of [many, alone])
        runs.push(
          await settled(async () => {
            const db = scoped(database);
            return program(db.forTenant(tenant), db);
          }),
        );
      const error = await prepared(() => verdict(runs[0]!.outcome, runs[1]!.outcome));
      if (error) throw error;
      return runs[0]!.settle();
    } finally {
      await alone.close();
    }
  } finally {
    await many.close();
  }
}

async function settled<A>(run: () => Promise<A>): Promise<{ outcome: Outcome; settle: () => A }> {
  try {
    const result = await run();
    return { outcome: { result }, settle: () => result };
  } catch (error) {
    return {
      // Drizzle puts the parameters into its errors; what the database said is beneath.
      outcome: errorOutcome((error as any)?.cause ?? error),
      settle: () => {
        throw error;
      },
    };
  }
}
