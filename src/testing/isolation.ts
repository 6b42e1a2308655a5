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
import { classOf, namesOf } from '../schema/classify.js';
import { relationsConfig } from '../schema/relations.js';
import type { TenantId } from '../schema/tenancy.js';
import { comparable, valuesOf } from './compare.js';
import { fresh, prepared, scoped, type Fresh, type FreshOptions, type TestDatabaseError } from './fresh.js';

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
 * @returns what the program did, the same on both databases; fails with {@link IsolationError} where they differ, and
 *   with {@link TestDatabaseError} where the role of `server` may not create databases
 * @example
 * it('keeps the projects apart', () =>
 *   Effect.runPromise(expectIsolated(Db, { schema, tenant: id, seed }, listProjects)));
 */
export const expectIsolated = <Self, Name extends string, A, E, E2>(
  Db: Service<Self, Name>,
  options: IsolationOptions<Self, Name, E2>,
  program: Effect.Effect<A, E, Self | TenantDb.Connected<Self> | TenantDb.Shared<Self>>,
): Effect.Effect<Exit.Exit<A, E | TenantDb.DbError>, E2 | IsolationError | TestDatabaseError | TenantDb.DbError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const many = yield* scoped(() => fresh(options));
      yield* options.seed.pipe(Effect.provide(Db.layerFrom(many.drizzle)));
      const tables = tablesOf(Db);
      const alone = yield* scoped(() => many.copy());
      yield* prepared(() => keepOnly(alone, tables, options.tenant));
      const before = yield* prepared(() => rowsOf(many, tables, options.tenant));

      const known = valuesOf(before);
      const now = Date.now();
      const like = (value: unknown) => comparable(value, { known, now, ordered: options.ordered ?? false });
      const run = (database: Fresh) => Effect.exit(Db.forTenant(options.tenant, program)).pipe(Effect.provide(Db.layerFrom(database.drizzle)));
      const [first, second] = [yield* run(many), yield* run(alone)];
      const [after, afterAlone] = yield* prepared(() => Promise.all([many, alone].map((it) => rowsOf(it, tables, options.tenant))));

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

const rowsIn = async (db: any, text: string): Promise<any[]> => {
  const result = await db.execute(text);
  return result.rows ?? [...result];
};

// Statements that take away what watches over rows, and that put it back as it was.
const watchers = `
  select format('alter table %s drop constraint %I', conrelid::regclass, conname) as off,
    format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as on
  from pg_constraint where contype = 'f' and conparentid = 0
  union all
  select format('alter table %s disable trigger %I', tgrelid::regclass, tgname),
    format('alter table %s enable %s trigger %I', tgrelid::regclass, case tgenabled when 'A' then 'always' when 'R' then 'replica' end, tgname)
  from pg_trigger where not tgisinternal and tgparentid = 0 and tgenabled <> 'D'
  union all
  select format('alter table %s no force row level security', oid::regclass), format('alter table %s force row level security', oid::regclass)
  from pg_class where relforcerowsecurity`;

/** Takes the other tenants away, all at once, and nothing that hangs on them. The owner of the tables may do this. */
async function keepOnly(database: Fresh, tables: readonly Table[], tenant: unknown): Promise<void> {
  const removals = tables.flatMap(([name, column]) => (column ? [`delete from ${name} where ${column} <> ${literal(tenant)}`] : []));
  const found = await rowsIn(database.drizzle, watchers);
  await database.run([...found.map((it) => it.off), ...removals, ...found.map((it) => it.on)].join('; '));
}

async function rowsOf(database: Fresh, tables: readonly Table[], tenant: unknown) {
  const own: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  await database.drizzle.transaction(async (tx: any) => {
    // Rows that a policy hides are an error, and not rows that are not there.
    await tx.execute('set local row_security = off');
    const read = async (name: string, where: string) =>
      (await rowsIn(tx, `select to_jsonb(it)::text as row from ${name} it ${where} order by 1`)).map(({ row }) => JSON.parse(row) as unknown);
    for (const [name, column] of tables) {
      own[name] = await read(name, column ? `where ${column} = ${literal(tenant)}` : '');
      if (column) others[name] = await read(name, `where ${column} <> ${literal(tenant)}`);
    }
  });
  return { own, others };
}

const outcomeOf = (exit: Exit.Exit<unknown, any>) => {
  if (Exit.isSuccess(exit)) return { result: exit.value };
  const error: any = Cause.squash(exit.cause);
  const { reason } = error ?? {};
  return { error: reason ? { ...reason, tag: reason._tag, message: error.message } : { ...error, tag: error?._tag, message: error?.message } };
};
