/** Runs programs over one schema: each on a database of many tenants and on one that holds its tenants alone. */
import type { Program } from './ast.js';
import { compile, parameters, type Compiled } from './compile/program.js';
import { functionOf } from './load-schema.js';
import { isTelling, recorder, restartQuery, stateQuery, type Result } from './outcome.js';
import { databaseNames, type DatabaseName, type Pool, type PoolSchema } from './pool.js';
import { openSide, type MakeHandles, type Side } from './side.js';

/** Whose program it is, and which databases it is compared on. */
export interface Seat {
  readonly tenancy: number;
  readonly tenants: readonly number[];
  readonly alone: DatabaseName;
}

export interface Difference {
  readonly seat: Seat;
  readonly compiled: Compiled;
  readonly what: string;
  readonly many: unknown;
  readonly alone: unknown;
}

/** The tenants for whom each program is run. */
export function seatsOf({ spec }: PoolSchema, several: boolean): readonly Seat[] {
  if (several) return [{ tenancy: 0, tenants: [0, 1], alone: 'pair' }];
  const second: Seat = spec.tenancies.length > 1 ? { tenancy: 1, tenants: [0], alone: 'second' } : { tenancy: 0, tenants: [1], alone: 'second' };
  return [{ tenancy: 0, tenants: [0], alone: 'first' }, second];
}

export interface Told {
  /** Steps that found, changed or refused something, of all. */
  telling: number;
  failed: number;
  steps: number;
}

export class Lane {
  readonly told: Told = { telling: 0, failed: 0, steps: 0 };
  readonly errors = new Map<string, [number, string]>();
  readonly #before = new Map<string, any>();
  readonly #restart: string | undefined;

  private constructor(
    readonly pooled: PoolSchema,
    readonly sides: Readonly<Record<DatabaseName, Side>>,
  ) {
    this.#restart = restartQuery(pooled.spec);
  }

  static async open(pool: Pool, pooled: PoolSchema, make?: MakeHandles): Promise<Lane> {
    const sides = await Promise.all(databaseNames.map(async (name) => [name, await openSide(pool.urls[name], pooled.module.relations, make)] as const));
    const lane = new Lane(pooled, Object.fromEntries(sides) as Record<DatabaseName, Side>);
    for (const name of databaseNames) await lane.#restartOn(lane.sides[name]);
    return lane;
  }

  close(): Promise<unknown> {
    return Promise.all(Object.values(this.sides).map((it) => it.close()));
  }

  async #restartOn(side: Side): Promise<void> {
    if (this.#restart) await side.read(this.#restart);
  }

  /** @returns the first difference, for any of the tenants */
  async run(program: Program, onCompiled?: (compiled: Compiled, seat: Seat) => void): Promise<Difference | undefined> {
    for (const seat of seatsOf(this.pooled, program.several)) {
      const compiled = compile(this.pooled.spec, seat.tenancy, program);
      onCompiled?.(compiled, seat);
      const difference = await this.compare(compiled, seat, program.several);
      if (difference) return difference;
    }
    return undefined;
  }

  async compare(compiled: Compiled, seat: Seat, several: boolean): Promise<Difference | undefined> {
    const run = functionOf(parameters, compiled.body);
    const [many, alone] = await Promise.all([this.sides.many, this.sides[seat.alone]].map((side) => this.#runOn(side, run, seat, several)));
    for (const result of many!.results) {
      if (result.error) { const k = JSON.stringify(result.error).slice(0, 200); const e = this.errors.get(k) ?? [0, '']; this.errors.set(k, [e[0] + 1, compiled.body]); }
      this.told.steps++;
      if (result.error) this.told.failed++;
      else if (isTelling(result)) this.told.telling++;
    }
    const differ = (what: string, left: unknown, right: unknown): Difference | undefined =>
      JSON.stringify(left) === JSON.stringify(right) ? undefined : { seat, compiled, what, many: left, alone: right };
    const before = await this.#stateBefore(this.sides.many, seat, 'many');
    const aloneBefore = await this.#stateBefore(this.sides[seat.alone], seat, seat.alone);
    const after = many!.state ?? before;
    const aloneAfter = alone!.state ?? aloneBefore;
    return (
      differ('results', many!.results, alone!.results) ??
      differ("other tenants' rows", after.others, before.others) ??
      differ("other tenants' rows, where there are none", aloneAfter.others, aloneBefore.others) ??
      differ("the tenant's own rows", after.own, aloneAfter.own)
    );
  }

  async #stateBefore(side: Side, { tenancy, tenants }: Seat, name: string): Promise<any> {
    const key = `${name} ${tenancy} ${tenants.join()}`;
    if (!this.#before.has(key)) this.#before.set(key, await side.read(stateQuery(this.pooled.spec, tenancy, tenants)));
    return this.#before.get(key);
  }

  async #runOn(side: Side, run: (...args: any[]) => Promise<unknown>, { tenancy, tenants }: Seat, several: boolean): Promise<{ results: Result[]; state: any }> {
    const { module, spec } = this.pooled;
    const parse = (n: number) => module[spec.tenancies[tenancy]!.name].parse(idOf(spec.tenancies[tenancy]!.ids[n]!));
    const all = spec.tenancies[tenancy]!.ids.map((_, n) => parse(n));
    const own = tenants.map((n) => all[n]!);
    const others = all.filter((it) => !own.includes(it));
    const { results, step } = recorder();
    await side.begin();
    try {
      const tdb = several ? side.db.forTenants(own) : side.db.forTenant(own[0]);
      // Steps at the top are independent of one another.
      const outer = (...args: Parameters<typeof step>) => step(...args).catch(() => {});
      let depth = 0;
      const nesting = async (body: () => unknown, ordered?: boolean) => {
        const isTop = depth === 0;
        depth++;
        try {
          return await (isTop ? outer : step)(body, ordered);
        } finally {
          depth--;
        }
      };
      await run({ db: side.db, tdb, id: own[0], ids: own, others, step: nesting }, module);
      const state = (await side.wrote()) ? await side.read(stateQuery(spec, tenancy, tenants)) : undefined;
      return { results, state };
    } finally {
      await side.undo();
      if (results.length > 0 && this.#restart) await this.#restartOn(side);
    }
  }
}

/** An id from its text. */
const idOf = (text: string): unknown => new Function(`return ${text};`)();
