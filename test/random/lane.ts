/** The programs over one schema: each for two of its tenants, or for both at once. */
import type { Program } from './ast.js';
import { compile, parameters, type Compiled } from './compile/program.js';
import { compare, compareSum, Compared, type Difference } from './compare.js';
import { functionOf } from './load-schema.js';
import { isTelling } from './outcome.js';
import { databaseNames, type DatabaseName, type Pool, type PoolSchema } from './pool.js';
import { openSide, type SideOptions } from './side.js';
import type { Whose } from './state.js';

/** Whose program it is, and on which database it is compared. */
export interface Seat {
  readonly tenancy: number;
  readonly tenants: readonly number[];
  readonly alone: DatabaseName;
}

export interface Failure extends Difference {
  readonly seat: Seat;
  readonly compiled: Compiled;
}

/** The tenants for whom each program is run. */
export function seatsOf({ spec }: PoolSchema, several: boolean): readonly Seat[] {
  if (several) return [{ tenancy: 0, tenants: [0, 1], alone: 'pair' }];
  const second: Seat =
    spec.tenancies.length > 1
      ? { tenancy: 1, tenants: [0], alone: 'second' }
      : { tenancy: 0, tenants: [1], alone: 'second' };
  return [{ tenancy: 0, tenants: [0], alone: 'first' }, second];
}

export function whoseOf({ spec, module }: PoolSchema, { tenancy, tenants }: Seat): Whose {
  const { name, ids } = spec.tenancies[tenancy]!;
  // An id is kept as text of TypeScript.
  const all = ids.map((id) => module[name].parse(new Function(`return ${id};`)()));
  return { tenancy: name, own: tenants.map((n) => all[n]), others: all.filter((_, n) => !tenants.includes(n)) };
}

/** How much of what ran says something. */
export interface Told {
  programs: number;
  /** Programs of which a statement found, changed or refused something. */
  telling: number;
  steps: number;
  failed: number;
}

export class Lane {
  readonly told: Told = { programs: 0, telling: 0, steps: 0, failed: 0 };

  private constructor(
    readonly pooled: PoolSchema,
    readonly sides: Readonly<Record<DatabaseName, Compared>>,
  ) {}

  static async open(pool: Pool, pooled: PoolSchema, options?: SideOptions): Promise<Lane> {
    const sides = await Promise.all(
      databaseNames.map(async (name) => {
        const side = new Compared(await openSide(pool.urls[name], pooled.module.relations, options), pooled.module);
        await side.restart();
        return [name, side] as const;
      }),
    );
    return new Lane(pooled, Object.fromEntries(sides) as Record<DatabaseName, Compared>);
  }

  close(): Promise<unknown> {
    return Promise.all(Object.values(this.sides).map((it) => it.side.close()));
  }

  /** @returns the first difference, for any of the tenants */
  async run(program: Program, reached?: (what: string) => void): Promise<Failure | undefined> {
    let isTold = false;
    for (const seat of seatsOf(this.pooled, program.several)) {
      const compiled = compile(this.pooled.spec, seat.tenancy, program);
      const run = functionOf(parameters, compiled.body);
      const whose = whoseOf(this.pooled, seat);
      const alone = this.sides[seat.alone];
      const compared = await compare(this.sides.many, alone, run, whose, compiled.readsPlainly);
      const { results } = compared;
      const difference =
        compared.difference ?? (compiled.addsUp ? await compareSum(alone, run, whose, results) : undefined);
      if (compiled.addsUp) reached?.('several tenants, added up');
      if (difference) return { ...difference, seat, compiled };
      for (const what of compiled.reach) reached?.(what);
      this.told.steps += results.length;
      this.told.failed += results.filter((it) => it.error).length;
      isTold ||= results.some(isTelling);
    }
    this.told.programs++;
    if (isTold) this.told.telling++;
    return undefined;
  }
}
