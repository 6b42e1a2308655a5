/** Draws programs over the schemas of a pool, runs each, and shrinks the first one that differs. */
import * as fc from 'fast-check';
import type { Program } from './ast.js';
import { program } from './arbitrary.js';
import { Lane, type Failure, type Told } from './lane.js';
import type { Pool } from './pool.js';
import { pasteable } from './print.js';
import type { SideOptions } from './side.js';

/** What is searched, and how; the handles under test are those of `withTenancy`, unless `make` gives others. */
export interface SearchOptions extends SideOptions {
  readonly pool: Pool;
  readonly seed: number;
  /** How many programs, over all schemas. */
  readonly programs: number;
  /** `schema:path`, to run one failure again. */
  readonly path?: string | undefined;
  /** False leaves the first program that differs as it was drawn. */
  readonly shrink?: boolean;
  readonly until?: number;
}

export interface Found {
  readonly failure: Failure | undefined;
  readonly error: unknown;
  readonly schema: number;
  /** Gives the same program again, with the seed. */
  readonly path: string;
  /** The program as a test. */
  readonly text: string;
}

export interface SearchResult {
  readonly told: Told;
  /** How often each thing was drawn. */
  readonly reach: ReadonlyMap<string, number>;
  readonly found: Found | undefined;
}

/** Carries a difference out of a property. */
class Differs extends Error {
  constructor(readonly failure: Failure) {
    super(failure.what);
  }
}

export async function search({
  pool,
  seed,
  programs,
  path,
  shrink = true,
  until,
  ...side
}: SearchOptions): Promise<SearchResult> {
  const [only, programPath] =
    path === undefined ? [] : [Number(path.split(':')[0]), path.split(':').slice(1).join(':')];
  const schemas = pool.schemas.filter((it) => only === undefined || it.spec.index === only);
  const reach = new Map<string, number>();
  const reached = (what: string) => void reach.set(what, (reach.get(what) ?? 0) + 1);
  const told: Told = { programs: 0, telling: 0, steps: 0, failed: 0 };
  let found: Found | undefined;
  let failing: Lane | undefined;

  await Promise.all(
    schemas.map(async (pooled) => {
      const lane = await Lane.open(pool, pooled, side);
      try {
        const property = fc.asyncProperty(program, async (drawn: Program) => {
          // One failure is enough: the others stop.
          if ((failing && failing !== lane) || (until !== undefined && Date.now() > until)) return;
          try {
            const failure = await lane.run(drawn, reached);
            if (failure) throw new Differs(failure);
          } catch (error) {
            failing ??= lane;
            throw error;
          }
        });
        const details = await fc.check(property, {
          seed: seed + pooled.spec.index,
          numRuns: Math.ceil(programs / schemas.length),
          endOnFailure: !shrink,
          ...(programPath ? { path: programPath } : {}),
        });
        if (details.failed && details.counterexample && failing === lane) {
          const error = 'errorInstance' in details ? details.errorInstance : undefined;
          const failure = error instanceof Differs ? error.failure : undefined;
          const at = `${pooled.spec.index}:${details.counterexamplePath ?? ''}`;
          found = {
            failure,
            error,
            schema: pooled.spec.index,
            path: at,
            text: pasteable(pool, pooled, details.counterexample[0], failure, seed, at),
          };
        }
        for (const key of ['programs', 'telling', 'steps', 'failed'] as const) told[key] += lane.told[key];
      } finally {
        await lane.close();
      }
    }),
  );
  return { told, reach, found };
}
