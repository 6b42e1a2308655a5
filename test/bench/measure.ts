/**
 * Measuring on a machine that does other things too: what is compared runs in turns, so that a slow moment slows all,
 * and of the rounds the medians count. Benchmark libraries run one candidate after the other, which here would
 * compare the machine with itself a minute later.
 */

/** The middle of some numbers, and the half of them around it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** @returns the median and the quartiles */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

type Times<Name extends string> = Record<Name, number[]>;

const nanoseconds = () => Number(process.hrtime.bigint());

/** What this process had of the processor: other programs of the machine have no part in it. */
export const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
};

/**
 * Runs each candidate for about `ms` in each round, in turns.
 *
 * @returns the nanoseconds that one call took, a number for each round
 */
export function takeTurns<Name extends string>(
  candidates: Record<Name, () => unknown>,
  { rounds = 101, ms = 1, clock = nanoseconds } = {},
): Times<Name> {
  const names = Object.keys(candidates) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Times<Name>;
  const calls = {} as Record<Name, number>;
  for (const name of names) {
    // Long enough for the compiler to have seen it.
    const begin = clock();
    let n = 0;
    do {
      candidates[name]();
      n++;
    } while (clock() - begin < 25e6);
    calls[name] = Math.max(1, Math.round((n * ms) / 25));
  }
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const run = candidates[name];
      const begin = clock();
      for (let i = calls[name]; i > 0; i--) run();
      times[name].push((clock() - begin) / calls[name]);
    }
  }
  return times;
}

/** As `takeTurns`, for what is awaited: `calls` calls in each turn, `atOnce` of them at a time. */
export async function takeTurnsAsync<Name extends string>(
  candidates: Record<Name, () => Promise<unknown>>,
  { rounds = 21, calls = 50, atOnce = 1 } = {},
): Promise<Times<Name>> {
  const names = Object.keys(candidates) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Times<Name>;
  for (let round = -2; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const run = candidates[name];
      let left = calls;
      const one = async () => {
        while (left-- > 0) await run();
      };
      const begin = nanoseconds();
      await Promise.all(Array.from({ length: atOnce }, one));
      if (round >= 0) times[name].push((nanoseconds() - begin) / calls);
    }
  }
  return times;
}

/** The ratio of what ran in the same rounds. */
export const ratioOf = (a: readonly number[], b: readonly number[]): Spread =>
  spreadOf(a.map((it, round) => it / b[round]!));

export const show = ({ median, low, high }: Spread, digits = 2) =>
  `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;

/** One line of the table: printed for a reader, and told to the process that gathers the table. */
export function report(what: string, value: Spread | string, reach: string): void {
  const text = typeof value === 'string' ? value : show(value);
  console.log(`${what}: ${text}${reach ? `, to reach: ${reach}` : ''}`);
  process.send?.({ what, text, reach });
}
