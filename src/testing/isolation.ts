/**
 * Runs a program over a database with many tenants and over a copy that holds one of them, and compares. What the
 * program returns or fails with, and what it leaves of the tenant's rows, must be equal; the rows of the others must be
 * as they were. It looks at the tables past every scope, so that it does not believe what it is there to test.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import { classOf, namesOf } from '../schema/classify.js';
import { relationsConfig } from '../schema/relations.js';
import type { AnyTenancy } from '../schema/tenancy.js';
import { quoted } from '../sql/refusal.js';
import { comparable, valuesOf } from './compare.js';
import type { Fresh } from './fresh.js';

/** A program saw or touched another tenant's rows. */
export class IsolationError extends Error {
  readonly _tag = 'IsolationError';
  override readonly name = 'IsolationError';

  /**
   * @param difference what differs: what the program returned, the tenant's rows after it, or those of the others
   * @param many over many tenants, or before the program
   * @param alone over the tenant alone, or after the program
   */
  constructor(
    readonly difference: 'result' | 'own rows' | 'other rows',
    readonly many: unknown,
    readonly alone: unknown,
  ) {
    const [first, second] =
      difference === 'other rows' ? ['before', 'after'] : ['over many tenants', 'over the tenant alone'];
    super(`The program is not isolated: the ${difference} differ.\n${first}: ${show(many)}\n${second}: ${show(alone)}`);
  }
}

const show = (value: unknown) => JSON.stringify(value)?.slice(0, 2_000);

/** What is compared. */
export interface Comparison {
  readonly tables: readonly Table[];
  readonly tenant: unknown;
  /** Whether the order of lists counts. Not unless told: a program without ORDER BY leaves it to PostgreSQL. */
  readonly ordered: boolean;
}

/** What a program did, as plain data. */
export type Outcome = { readonly result: unknown } | { readonly error: unknown };

/** What an error says. */
export function errorOutcome(error: any): Outcome {
  const { reason } = error ?? {};
  return {
    error: reason
      ? { ...reason, tag: reason._tag, message: error.message }
      : { ...error, tag: error?._tag, message: error?.message },
  };
}

/**
 * Takes the other tenants out of the second database, before the program runs on both.
 *
 * @returns what tells, after it, whether the program was isolated
 */
export async function judge(
  many: Fresh,
  alone: Fresh,
  { tables, tenant, ordered }: Comparison,
): Promise<(first: Outcome, second: Outcome) => Promise<IsolationError | undefined>> {
  await keepOnly(alone, tables, tenant);
  const before = await rowsOf(many, tables, tenant);
  if (Object.values(before.others).every((rows) => rows.length === 0)) {
    throw new UnsupportedTenantOperationError(
      "Seed the rows of two tenants at least: the seed wrote none of another tenant's, and then every " +
        'program is isolated.',
    );
  }
  const known = valuesOf(before);
  const now = Date.now();
  const like = (value: unknown) => comparable(value, { known, now, ordered });
  return async (first, second) => {
    const [after, afterAlone] = await Promise.all([many, alone].map((it) => rowsOf(it, tables, tenant)));
    const compared = [
      ['other rows', like(othersOf(before)), like(othersOf(after!))],
      ['result', like(first), like(second)],
      ['own rows', like(after!.own), like(afterAlone!.own)],
    ] as const;
    const found = compared.find(([, x, y]) => JSON.stringify(x) !== JSON.stringify(y));
    return found && new IsolationError(found[0], found[1], found[2]);
  };
}

const othersOf = ({ others, everybodys }: Awaited<ReturnType<typeof rowsOf>>) => ({ others, everybodys });

/** The name of a table, and of its tenant column: none, in a reference table. */
export type Table = readonly [name: string, tenant: string | undefined];

/** @param tenancy whose tenants are kept apart */
export function tablesOf(relations: object | undefined, tenancy: AnyTenancy): Table[] {
  return Object.values(relationsConfig(relations)).flatMap(({ table }: any) => {
    const found = classOf(table);
    if (!found) return [];
    const [schema, name] = namesOf(table);
    return [
      [
        schema ? quoted(schema, name) : quoted(name),
        found.kind === 'tenant' && found.tenancy === tenancy ? quoted(found.name) : undefined,
      ],
    ];
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
    format('alter table %s enable %s trigger %I', tgrelid::regclass, case tgenabled when 'A' then 'always'
      when 'R' then 'replica' end, tgname)
  from pg_trigger where not tgisinternal and tgparentid = 0 and tgenabled <> 'D'
  union all
  select format('alter table %s no force row level security', oid::regclass),
    format('alter table %s force row level security', oid::regclass)
  from pg_class where relforcerowsecurity`;

/** Takes the other tenants away, all at once, and nothing that hangs on them. The owner of the tables may do this. */
async function keepOnly(database: Fresh, tables: readonly Table[], tenant: unknown): Promise<void> {
  const removals = tables.flatMap(([name, column]) =>
    column ? [`delete from ${name} where ${column} <> ${literal(tenant)}`] : [],
  );
  const found = await rowsIn(database.drizzle, watchers);
  await database.run([...found.map((it) => it.off), ...removals, ...found.map((it) => it.on)].join('; '));
}

async function rowsOf(database: Fresh, tables: readonly Table[], tenant: unknown) {
  const own: Record<string, unknown> = {};
  const others: Record<string, readonly unknown[]> = {};
  const everybodys: Record<string, readonly unknown[]> = {};
  await database.drizzle.transaction(async (tx: any) => {
    // Rows that a policy hides are an error, and not rows that are not there.
    await tx.execute('set local row_security = off');
    const read = async (name: string, where: string) =>
      (await rowsIn(tx, `select to_jsonb(it)::text as row from ${name} it ${where} order by 1`)).map(
        ({ row }) => JSON.parse(row) as unknown,
      );
    for (const [name, column] of tables) {
      own[name] = await read(name, column ? `where ${column} = ${literal(tenant)}` : '');
      if (!column) continue;
      others[name] = await read(name, `where ${column} <> ${literal(tenant)}`);
      everybodys[name] = await read(name, `where ${column} is null`);
    }
  });
  return { own, others, everybodys };
}
