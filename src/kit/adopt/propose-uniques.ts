/**
 * Which unique keys mean the same within each tenant, and which do not: those are kept as they are, or a person says
 * otherwise.
 */
import { TenantConfigError } from '../errors.js';
import type { Answers } from './answers.js';
import type { UniqueKey } from './model.js';
import type { Choice, Guess, TableDecision } from './propose.js';

export interface UniqueDecision {
  readonly table: TableDecision['table'];
  readonly key: UniqueKey;
  /** As it is written behind a flag: `users(email)`. */
  readonly name: string;
  readonly keep: 'per-tenant' | 'over-all';
  /** Whether both are the same: the values are made to be unique, or name a tenant's row. */
  readonly isEquivalent: boolean;
  readonly why: string;
}

export function proposeUniques(
  tables: ReadonlyMap<string, TableDecision>,
  answers: Answers,
  citus: boolean,
  guesses: Guess[],
): UniqueDecision[] {
  const decisions: UniqueDecision[] = [];
  for (const { table, kind, isRoot, column } of tables.values()) {
    if (kind !== 'tenant' || isRoot) continue;
    for (const key of table.uniques) {
      if (key.columns.includes(column!)) continue;
      const name = `${table.plain}(${key.columns.join(', ')})`;
      const decide = (keep: UniqueDecision['keep'], why: string, isEquivalent = false) =>
        decisions.push({ table, key, name, keep, why, isEquivalent });
      const parent = table.foreignKeys.find(
        (fk) =>
          tables.get(fk.to)?.kind === 'tenant' &&
          !tables.get(fk.to)!.isRoot &&
          fk.columns.every((it) => key.columns.includes(it)),
      );
      const made = key.columns.find((it) => table.columns.get(it)?.generated);
      const says = (list: readonly string[] | undefined) =>
        list?.some((it) =>
          [name, `*(${key.columns.join(', ')})`].some((full) => full.replaceAll(' ', '') === it.replaceAll(' ', '')),
        ) ?? false;
      if (says(answers.overAll)) {
        if (citus)
          throw new TenantConfigError(
            `Take --over-all '${name}' back: Citus keeps no value unique over all tenants. ` +
              'Keep it in a look-up reference table (docs/unique-values.md).',
          );
        decide('over-all', 'as answered');
      } else if (says(answers.perTenant)) decide('per-tenant', 'as answered');
      else if (made) decide('per-tenant', `${made} is made to be unique`, true);
      else if (parent) decide('per-tenant', `${parent.columns.join(', ')} names a row of one tenant`, true);
      else if (
        key.kind === 'primary key' &&
        key.columns.length === 1 &&
        /^(?:id|uuid)$|_?id$/i.test(key.columns[0]!) &&
        /^(?:text|varchar|char)/.test(table.columns.get(key.columns[0]!)?.type ?? '') &&
        !table.foreignKeys.some((fk) => fk.columns.includes(key.columns[0]!))
      ) {
        decide('per-tenant', `${key.columns[0]} is an id that the application makes`, true);
      } else {
        decide(
          citus ? 'per-tenant' : 'over-all',
          citus ? 'Citus keeps nothing unique over all tenants' : 'it means the same as before',
        );
        const overAll: Choice = {
          flag: `over-all '${name}'`,
          text: 'no two tenants have the same, as before',
          answer: { overAll: [name] },
        };
        const perTenant: Choice = {
          flag: `per-tenant '${name}'`,
          text: 'each tenant may have its own',
          answer: { perTenant: [name] },
        };
        guesses.push({
          about: name,
          question:
            `${name} is unique over all rows. And from now ` +
            `on?${citus ? ' Citus cannot keep that; docs/unique-values.md has a way with a look-up table.' : ''}`,
          choices: citus ? [perTenant] : [overAll, perTenant],
        });
      }
    }
  }
  return decisions;
}
