/** Writes a program as a test that can be pasted: its schema, its rows, and itself. */
import type { Program } from './ast.js';
import { compile, parameters } from './compile/program.js';
import { seatsOf, type Failure } from './lane.js';
import { imports } from './load-schema.js';
import { rowsSql, type Pool, type PoolSchema } from './pool.js';

const indent = (text: string, by: string) => text.replaceAll('\n', `\n${by}`);

export function pasteable(
  pool: Pool,
  pooled: PoolSchema,
  program: Program,
  failure: Failure | undefined,
  seed: number,
  path: string,
): string {
  const { spec } = pooled;
  const seat = failure?.seat ?? seatsOf(pooled, program.several)[0]!;
  const { body, readsPlainly } = failure?.compiled ?? compile(spec, seat.tenancy, program);
  const { name, ids } = spec.tenancies[seat.tenancy]!;
  const id = (n: number) => `${name}.parse(${ids[n]!})`;
  const code = `${spec.source}\n${body}`;
  const uses = (word: string) => new RegExp(`(?<![.\\w'"])${word}\\b(?!\\)?['":])`).test(code);
  const from = Object.entries(imports).flatMap(([module, names]) => {
    const used = Object.keys(names).filter(uses);
    const path = module === 'drizzle-tenant' ? '../../src/index.js' : module;
    return used.length === 0 ? [] : [`import { ${used.join(', ')} } from '${path}';`];
  });
  const rows = (database: 'many' | typeof seat.alone) =>
    `\`\n${rowsSql(spec, pool.seed, database).replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\n\``;
  return `${from.join('\n')}
import { test } from 'vitest';
import { sameOnBoth } from './same.js';

// In test/random, as it was found by RANDOM_SEED=${seed} RANDOM_PATH=${path}
test('seed ${seed}, path ${path}', () =>
  sameOnBoth({
    schema: () => {
      ${indent(spec.source, '      ')}
      return { ${spec.names.join(', ')} };
    },
    whose: ({ ${name} }) => ({ tenancy: '${name}', own: [${seat.tenants.map(id).join(', ')}], others: [${ids
      .map((_, n) => n)
      .filter((n) => !seat.tenants.includes(n))
      .map(id)
      .join(', ')}] }),
    many: ${rows('many')},
    alone: ${rows(seat.alone)},${readsPlainly ? '\n    readsPlainly: true,' : ''}
    program: async (${parameters.join(', ')}) => {
      ${indent(body, '      ')}
    },
  }));
`;
}

/** What was found, for a person. */
export function describe(failure: Failure | undefined, error: unknown): string {
  if (!failure) return `it threw ${(error as Error)?.stack ?? String(error)}`;
  const show = (value: unknown) => JSON.stringify(value, undefined, 1)?.replace(/\n\s*/g, ' ').slice(0, 4000);
  return `${failure.what} differ\n  many tenants: ${show(failure.many)}\n  one alone:    ${show(failure.alone)}`;
}
