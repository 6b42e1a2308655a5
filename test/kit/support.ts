/** Migrations in this process: drizzle-kit's api, our statements, and a history of schemas to run through. */
import { generateDrizzleJson, generateMigration, type Hint } from 'drizzle-kit/api-postgres';
import { Entities, type Row } from '../../src/kit/snapshot.js';
import {
  tenantStatements,
  type Fault,
  type OnlineSteps,
  type TenancyOptions,
  type TenancyState,
} from '../../src/kit/index.js';

export type Schema = Record<string, unknown>;

export interface Step {
  readonly schema: Schema;
  readonly hints?: Hint[];
  readonly tenancy?: TenancyOptions;
  /** Statements that a person would write by hand instead of generating. */
  readonly custom?: readonly string[];
}

export const citus: TenancyOptions = { citus: { shardCount: 4 } };

/** Remembers what was, as the migrations folder does. */
export class History {
  private snapshot: Awaited<ReturnType<typeof generateDrizzleJson>> | undefined;
  state: TenancyState | undefined;
  /** What the last migration left, with `online`. */
  left: OnlineSteps | undefined;

  /** The faults that the last migration only warned of. */
  warnings: readonly Fault[] = [];

  /** The tables as drizzle-kit sees them. */
  get entities(): Entities {
    return new Entities((this.snapshot?.ddl ?? []) as Row[]);
  }

  /** A name that drizzle-kit made stays as it is in the database, whatever is renamed: so its own snapshots keep it. */
  private keepNames(to: { ddl: readonly object[] }, statements: readonly string[]): void {
    const was = this.entities.follow(statements);
    const sameButForName = ({ name: _, ...row }: Row) =>
      JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
    for (const row of to.ddl as Row[]) {
      if (row['nameExplicit'] !== false) continue;
      const same = was.list(row.entityType).filter((it) => sameButForName(it) === sameButForName(row));
      if (same.length === 1) (row as any).name = same[0]!['name'];
    }
  }

  async next({ schema, hints, tenancy = citus }: Step): Promise<string[]> {
    const to = await generateDrizzleJson(schema, this.snapshot?.id);
    const from = this.snapshot ?? (await generateDrizzleJson({}));
    const drizzle = await generateMigration(from, to, hints ? { hints } : undefined);
    const { statements, state, left, warnings } = await tenantStatements({
      statements: drizzle,
      from: this.snapshot,
      to,
      schema,
      state: this.state,
      tenancy,
    });
    this.keepNames(to, drizzle);
    this.snapshot = to;
    this.state = state;
    this.left = left;
    this.warnings = warnings;
    return statements;
  }
}
