/**
 * What a person or a flag decided of an adoption. Kept in a file beside the schema, so that `pull` decides the same
 * again.
 */
import { existsSync, readFileSync } from 'node:fs';
import { TenantConfigError } from '../errors.js';

/** Tables are written as a person writes them: `users`, or `app.users`; keys as `users(email)`. */
export interface Answers {
  /** What a tenant is called, such as `team`. */
  readonly tenancy?: string;
  /** The table whose rows are the tenants. */
  readonly root?: string;
  /** The tenant column's name where a table gets a new one. */
  readonly column?: string;
  /** Tables that belong to tenants; the column, where it is there already. */
  readonly tenant?: Readonly<Record<string, string | true>>;
  readonly reference?: readonly string[];
  readonly plain?: readonly string[];
  /** Tenant tables whose rows without a tenant are everybody's. */
  readonly everybody?: readonly string[];
  /** Unique keys that hold within each tenant from now on. */
  readonly perTenant?: readonly string[];
  /** Unique keys that hold over all tenants, as before. */
  readonly overAll?: readonly string[];
  /** Take what is proposed for every other guess. */
  readonly yes?: boolean;
}

const lists = ['reference', 'plain', 'everybody', 'perTenant', 'overAll'] as const;

/** @returns both, where the second has the last word */
export function joinAnswers(first: Answers, second: Answers): Answers {
  const joined: Record<string, unknown> = {
    ...first,
    ...Object.fromEntries(Object.entries(second).filter(([, it]) => it !== undefined)),
  };
  for (const list of lists) {
    const others = lists.filter((it) => it !== list && isOpposite(it, list)).flatMap((it) => second[it] ?? []);
    const values = [...new Set([...(first[list] ?? []), ...(second[list] ?? [])])].filter(
      (it) => (second[list] ?? []).includes(it) || !others.includes(it),
    );
    joined[list] =
      list === 'reference' || list === 'plain'
        ? values.filter((it) => (second[list] ?? []).includes(it) || second.tenant?.[it] === undefined)
        : values;
  }
  const moved = [...(second.reference ?? []), ...(second.plain ?? [])];
  joined['tenant'] = {
    ...Object.fromEntries(Object.entries(first.tenant ?? {}).filter(([it]) => !moved.includes(it))),
    ...second.tenant,
  };
  return joined as Answers;
}

const isOpposite = (a: string, b: string) =>
  [a, b].sort().join() === 'plain,reference' || [a, b].sort().join() === 'overAll,perTenant';

/** @throws TenantConfigError when the file is not one that `adopt` wrote */
export function readAnswers(path: string): Answers {
  if (!existsSync(path)) return {};
  try {
    const { version, ...answers } = JSON.parse(readFileSync(path, 'utf8'));
    if (version === 1) return answers;
  } catch {
    // Said below.
  }
  throw new TenantConfigError(
    `Restore ${path} from git, or delete it and run "npx drizzle-tenant adopt" again: ` +
      'it holds no answers of this version.',
  );
}

/** What of the answers is worth keeping, as the text of a file. */
export function printAnswers({ yes: _, ...answers }: Answers): string {
  const kept = Object.entries(answers).filter(
    ([, it]) => it !== undefined && (typeof it !== 'object' || Object.keys(it).length > 0),
  );
  return `${JSON.stringify({ version: 1, ...Object.fromEntries(kept) }, null, 2)}\n`;
}
