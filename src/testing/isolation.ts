/**
 * `expectIsolated`: runs a program over a database with many tenants and over a copy that holds one of them, and
 * compares. What the program returns or fails with, and what it leaves of the tenant's rows, must be equal; the rows
 * of the others must be as they were. It looks at the tables past every scope, so that it does not believe what it
 * is there to test.
 */
import * as Cause from 'effect/Cause';
import * as Data from 'effect/Data';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { TenantDb } from '../effect/index.js';
import { classOf } from '../schema/classify.js';
import { relationsConfig } from '../schema/relations.js';
import type { TenantId } from '../schema/tenancy.js';
import { namesOf } from '../scope/scope.js';
import { comparable, valuesOf } from './compare.js';
import { fresh, type Fresh, type FreshOptions } from './fresh.js';

/** A program saw or touched another tenant's rows. */
export class IsolationError extends Data.TaggedError('IsolationError')<{
  /** What differs: what the program returned, the tenant's rows after it, those of the others, or the reference rows. */
  readonly difference: 'result' | 'own rows' | 'other rows';
  /** Over many tenants, or before the program. */
  readonly many: unknown;
  /** Over the tenant alone, or after the program. */
  readonly alone: unknown;
}> {
  override get message(): string {
    const [first, second] = this.difference === 'other rows' ? ['before', 'after'] : ['over many tenants', 'over the tenant alone'];
    return `The program is not isolated: the ${this.difference} differ.\n${first}: ${show(this.many)}\n${second}: ${show(this.alone)}`;
  }
}

const show = (value: unknown) => JSON.stringify(value)?.slice(0, 2_000);

/** What `expectIsolated` needs to know. */
export interface IsolationOptions<Self, Name extends string, E> extends FreshOptions {
  /** The tenant for which the program runs. */
  readonly tenant: TenantId<Name>;
  /** Fills the database with the rows of this tenant and of others: the more alike their ids are, the more is seen. */
  readonly seed: Effect.Effect<unknown, E, TenantDb.Connected<Self> | TenantDb.Shared<Self>>;
  /** Whether the order of lists counts. Not unless told: a program without ORDER BY leaves it to PostgreSQL. */
  readonly ordered?: boolean | undefined;
}

type Service<Self, Name extends string> = TenantDb.ServiceClass<Self, any, Name, any>;

/**
 * Fails where a program of the application is not confined to its tenant.
 *
 * New uuids, and dates of now, are alike whatever they are; everything else is compared as it is.
 *
 * @param Db the application's database
 * @param options the schema or the migrations, the tenant, and rows to look at
 * @param program what the application does for a tenant
 * @returns what the program did, the same on both databases
 * @example
 * it('keeps the projects apart', () =>
 *   Effect.runPromise(expectIsolated(Db, { schema, tenant: id, seed }, listProjects)));
 */
export const expectIsolated = <Self, Name extends string, A, E, E2>(
  Db: Service<Self, Name>,
  options: IsolationOptions<Self, Name, E2>,
  program: Effect.Effect<A, E, Self | TenantDb.Connected<Self> | TenantDb.Shared<Self>>,
): Effect.Effect<Exit.Exit<A, E | TenantDb.DbError>, E2 | IsolationError | TenantDb.DbError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const open = (make: () => Promise<Fresh>) => Effect.acquireRelease(Effect.promise(make), (it) => Effect.promise(() => it.close()));
      const many = yield* open(() => fresh(options));
      yield* options.seed.pipe(Effect.provide(Db.layerFrom(many.drizzle)));
      const tables = tablesOf(Db);
      const alone = yield* open(() => many.copy());
      yield* Effect.promise(() => keepOnly(alone, tables, options.tenant));
      const before = yield* Effect.promise(() => rowsOf(many, tables, options.tenant));

      const known = valuesOf(before);
      const now = Date.now();
      const like = (value: unknown) => comparable(value, { known, now, ordered: options.ordered ?? false });
      const run = (database: Fresh) => Effect.exit(Db.forTenant(options.tenant, program)).pipe(Effect.provide(Db.layerFrom(database.drizzle)));
      const [first, second] = [yield* run(many), yield* run(alone)];
      const [after, afterAlone] = yield* Effect.promise(() => Promise.all([many, alone].map((it) => rowsOf(it, tables, options.tenant))));

      const compare = (difference: IsolationError['difference'], [x, y]: readonly [unknown, unknown]) =>
        JSON.stringify(x) === JSON.stringify(y) ? Effect.void : Effect.fail(new IsolationError({ difference, many: x, alone: y }));
      yield* compare('other rows', [like(before.others), like(after!.others)]);
      yield* compare('result', [like(outcomeOf(first)), like(outcomeOf(second))]);
      yield* compare('own rows', [like(after!.own), like(afterAlone!.own)]);
      return first;
    }),
  ) as any;

/** The name of a table, and of its tenant column: none, in a reference table. */
type Table = readonly [name: string, tenant: string | undefined];

function tablesOf(Db: Service<any, any>): Table[] {
  const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
  return Object.values(relationsConfig(Db.definition.relations)).flatMap(({ table }: any) => {
    const found = classOf(table);
    if (!found) return [];
    const [schema, name] = namesOf(table);
    return [[`${schema ? `${identifier(schema)}.` : ''}${identifier(name)}`, found.kind === 'tenant' && found.tenancy === Db.tenancy ? identifier(found.name) : undefined]];
  });
}

const literal = (tenant: unknown) => `'${String(tenant).replaceAll("'", "''")}'`;

/** Takes the other tenants away. Their keys are no concern of this: they go all at once. */
async function keepOnly(database: Fresh, tables: readonly Table[], tenant: unknown): Promise<void> {
  const removals = tables.flatMap(([name, column]) => (column ? [`delete from ${name} where ${column} <> ${literal(tenant)}`] : []));
  await database.run(`set session_replication_role = replica; ${removals.join('; ')}; reset session_replication_role`);
}

async function rowsOf(database: Fresh, tables: readonly Table[], tenant: unknown) {
  const read = async (name: string, where: string) => {
    const result: any = await database.drizzle.execute(`select to_jsonb(it)::text as row from ${name} it ${where} order by 1`);
    return (result.rows ?? [...result]).map((row: { row: string }) => JSON.parse(row.row) as unknown);
  };
  const own: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  for (const [name, column] of tables) {
    own[name] = await read(name, column ? `where ${column} = ${literal(tenant)}` : '');
    if (column) others[name] = await read(name, `where ${column} <> ${literal(tenant)}`);
  }
  return { own, others };
}

const outcomeOf = (exit: Exit.Exit<unknown, any>) => {
  if (Exit.isSuccess(exit)) return { result: exit.value };
  const error: any = Cause.squash(exit.cause);
  const { reason } = error ?? {};
  return { error: reason ? { ...reason, tag: reason._tag, message: error.message } : { ...error, tag: error?._tag, message: error?.message } };
};
