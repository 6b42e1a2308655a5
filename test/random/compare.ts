/**
 * One program on two databases: one of many tenants, and one that holds its own tenants alone. What it returns or
 * throws must be equal, and so must be what it leaves; other tenants' rows stay as they were.
 */
import { recorder, type Expected, type Result } from './outcome.js';
import type { Side } from './side.js';
import { restartQuery, stateQuery, type Module, type Whose } from './state.js';

/** A program, as its text is evaluated: it gives each of its statements to `step`. */
export type Run = (given: Given, schema: Module) => Promise<unknown>;

export interface Given {
  readonly db: any;
  readonly tdb: any;
  readonly id: any;
  readonly ids: readonly any[];
  readonly others: readonly any[];
  readonly step: (run: () => unknown, ordered?: Expected) => Promise<void>;
}

export interface Difference {
  readonly what: string;
  readonly many: unknown;
  readonly alone: unknown;
}

/** A side, and what is known of it. */
export class Compared {
  readonly #before = new Map<string, any>();
  readonly #queries = new Map<string, string>();
  readonly #restart: string | undefined;

  constructor(
    readonly side: Side,
    readonly module: Module,
  ) {
    this.#restart = restartQuery(module);
  }

  async restart(): Promise<void> {
    if (this.#restart) await this.side.read(this.#restart);
  }

  #stateQuery(whose: Whose): string {
    const key = `${whose.tenancy} ${whose.own.map(String).join()}`;
    if (!this.#queries.has(key)) this.#queries.set(key, stateQuery(this.module, whose));
    return this.#queries.get(key)!;
  }

  /** What the tables hold when nothing has run. */
  async before(whose: Whose): Promise<any> {
    const query = this.#stateQuery(whose);
    if (!this.#before.has(query)) this.#before.set(query, await this.side.read(query));
    return this.#before.get(query);
  }

  /** Runs a program and undoes what it did. */
  async run(
    run: Run,
    whose: Whose,
    plain = false,
  ): Promise<{ results: readonly Result[]; sent: readonly unknown[]; state: any }> {
    const { side, module } = this;
    const { own, others } = whose;
    const { results, step } = recorder();
    let wrote = true;
    await side.begin();
    try {
      const tdb = plain ? side.plain : own.length > 1 ? side.db.forTenants(own) : side.db.forTenant(own[0]);
      let depth = 0;
      const nesting = async (body: () => unknown, ordered?: Expected): Promise<void> => {
        const isTop = depth === 0;
        depth++;
        try {
          // Steps at the top are independent of one another; within a transaction, the first that fails ends it.
          await step(body, ordered).catch((error) => {
            if (!isTop) throw error;
          });
        } finally {
          depth--;
        }
      };
      await run({ db: side.db, tdb, id: own[0], ids: own, others, step: nesting }, module);
      wrote = await side.wrote();
      return { results, sent: [...side.sent], state: wrote ? await side.read(this.#stateQuery(whose)) : undefined };
    } finally {
      await side.undo();
      if (wrote) await this.restart();
    }
  }
}

/**
 * @param readsPlainly whether Drizzle's own handle, over the tenants alone, has to give the same
 * @returns what a program does on both, and the first difference
 */
export async function compare(
  many: Compared,
  alone: Compared,
  run: Run,
  whose: Whose,
  readsPlainly = false,
): Promise<{ results: readonly Result[]; difference: Difference | undefined }> {
  const [manyBefore, aloneBefore] = await Promise.all([many.before(whose), alone.before(whose)]);
  const [first, second] = await Promise.all([many.run(run, whose), alone.run(run, whose)]);
  const after = first.state ?? manyBefore;
  const aloneAfter = second.state ?? aloneBefore;
  const differ = (what: string, left: unknown, right: unknown): Difference | undefined =>
    JSON.stringify(left) === JSON.stringify(right) ? undefined : { what, many: left, alone: right };
  // A conflict target that is no constraint is the handle's fault, as what it did not refuse is.
  const isFault = (it: Result) => (it.unrefused === true && many.side.refuses) || it.error?.code === '42P10';
  const difference =
    differ('faults, none on the right,', first.results.filter(isFault), []) ??
    differ('results', first.results, second.results) ??
    differ('what was sent', first.sent, second.sent) ??
    differ("other tenants' rows", after.others, manyBefore.others) ??
    differ("other tenants' rows, where there are none", aloneAfter.others, aloneBefore.others) ??
    differ("the tenant's own rows", after.own, aloneAfter.own);
  if (difference || !readsPlainly || !alone.side.plain) return { results: first.results, difference };
  const plain = await alone.run(run, whose, true);
  // What Drizzle or PostgreSQL refuse without a tenant is no measure.
  const measured = (results: readonly Result[]) =>
    results.map((it, i) => (plain.results[i]?.error || isKnown(it) ? {} : it));
  return {
    results: first.results,
    difference: differ(
      "results, here of Drizzle's own handle on the right,",
      measured(second.results),
      plain.results.map((it, i) => (it.error || isKnown(second.results[i]!) ? {} : it)),
    ),
  };
}

/** @returns the first difference between what a program reads of several tenants, and of each of them by itself */
export async function compareSum(
  side: Compared,
  run: Run,
  whose: Whose,
  results: readonly Result[],
): Promise<Difference | undefined> {
  const parts: (readonly Result[])[] = [];
  for (const id of whose.own) parts.push((await side.run(run, { ...whose, own: [id] })).results);
  const rows = (value: unknown) =>
    (Array.isArray(value) ? value : value === null || value === undefined ? [] : [value]).map((it) =>
      JSON.stringify(it),
    );
  for (const [i, { value, error }] of results.entries()) {
    const each = parts.map((it) => it[i]!);
    if (error || each.some((it) => it.error)) continue;
    const [together, apart] = [rows(value), each.flatMap((it) => rows(it.value))].map((it) => it.sort());
    if (JSON.stringify(together) !== JSON.stringify(apart))
      return {
        what: 'the rows of several tenants, on the right those of each by itself,',
        many: together,
        alone: apart,
      };
  }
  return undefined;
}

/** A subquery cannot name a table of a PostgreSQL schema that stands beside a RIGHT or FULL JOIN: it fails. */
const isKnown = ({ error }: Result) =>
  error?.code === '42P01' && /invalid reference to FROM-clause entry/.test(String(error.message));
