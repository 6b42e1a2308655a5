/** Keys, columns and policies of a table. */
import { ourNames, type TableName } from '../names.js';
import type { Entities } from '../snapshot.js';
import type { TableState } from '../state.js';
import type { Faults } from './found.js';
import { sequencesOf } from './sequences.js';

export function tenantTableFaults(table: TableState, entities: Entities, faults: Faults): void {
  const column = table.column!;
  if (table.everybody) {
    faults.add(
      'everybody',
      table,
      column,
      'Keep the rows of everybody in a referenceTable beside it',
      'Citus puts a row on the node of its tenant, and has no place for one without',
    );
  }
  const [key] = entities.of('pks', table);
  if (!key) {
    faults.add(
      'replica-identity',
      table,
      column,
      'Give the table a primary key',
      'Citus cannot move its shards while it is written to',
    );
  } else if (!key.columns.includes(column)) {
    faults.add(
      'primary-key',
      table,
      key.columns.join(', '),
      `Declare the table with tenantTable, or put "${column}" into its primary key, without unscoped()`,
      'each node can only see that a key is unique among its own rows',
    );
  }
  // In a table whose whole key is the tenant column, a unique key with that column says nothing.
  const within = key?.columns.length === 1 && key.columns[0] === column ? undefined : column;
  for (const unique of entities.of('uniques', table)) {
    if (!unique.columns.includes(column))
      uniqueFault(table, unique.columns, within, `unique constraint "${unique.name}"`, faults);
  }
  for (const index of entities.of('indexes', table)) {
    if (index.isUnique && !index.columns.some((it: any) => !it.isExpression && it.value === column)) {
      uniqueFault(
        table,
        index.columns.map((it: any) => it.value),
        within,
        `unique index "${index.name}"`,
        faults,
      );
    }
  }
  for (const it of entities.of('columns', table)) {
    const isSmall =
      /^(?:small)?serial$/.test(it.type) ||
      ((it.identity || sequencesOf(it).length > 0) && /^(?:smallint|integer|int[24]?)$/.test(it.type));
    if (isSmall) {
      faults.add(
        'sequence-type',
        table,
        it.name,
        sequencesOf(it).length > 0 ? 'Make it bigint' : 'Make it bigserial',
        'workers draw numbers from ranges of their own, which do not fit into an integer',
      );
    }
  }
}

export function policyFaults(table: TableState, entities: Entities, faults: Faults): void {
  const column = table.column ?? '-';
  for (const policy of entities.of('policies', table)) {
    const expressions = [policy.using, policy.withCheck].filter((it) => typeof it === 'string');
    if (expressions.some((it) => /\bselect\b/i.test(it))) {
      faults.add(
        'policy-subquery',
        table,
        column,
        `Write the policy "${policy.name}" without a subquery, with current_setting() for what it needs`,
        'Citus refuses policies that read other tables',
      );
    }
    if (policy.as === 'RESTRICTIVE') {
      faults.add(
        'policy-restrictive',
        table,
        column,
        `Drop the policy "${policy.name}", and write its condition into the using ` +
          'and withCheck of each permissive policy of the table, with "and"; ' +
          `with none, make it permissive`,
        'Citus makes it permissive on the shards, where it lets rows through that it should hold back',
      );
    }
    if (!table.rls) continue;
    if (ourNames.includes(policy.name)) {
      faults.define(
        table,
        column,
        `Give the policy "${policy.name}" another name`,
        'row-level security has a policy of that name',
      );
    }
    if (!expressions.every(isWhole)) {
      faults.define(
        table,
        column,
        `Write the expression of the policy "${policy.name}" with plain quotes, whole parentheses and no comment`,
        'the tenant condition is put beside it',
      );
    }
  }
}

/** Put between parentheses, the expression stays between them. */
function isWhole(expression: string): boolean {
  let depth = 0;
  const token = /'(?:[^'\\]|'')*'|"(?:[^"]|"")*"|\$(?:[A-Za-z_]\w*)?\$|--|\/\*|[()'";\\]/g;
  for (const [found] of expression.matchAll(token)) {
    if (found === '(') depth++;
    else if (found === ')' && --depth < 0) return false;
    // What needs more than this to be read is written another way.
    else if (found !== ')' && !/^['"]./.test(found)) return false;
  }
  return depth === 0;
}

function uniqueFault(
  table: TableName,
  columns: readonly string[],
  within: string | undefined,
  what: string,
  faults: Faults,
): void {
  const lookUp = 'keep the value in a referenceTable that says whose it is (docs/unique-values.md)';
  faults.add(
    'unique',
    table,
    columns.join(', '),
    within === undefined ? `Drop the ${what}, and ${lookUp}` : `Put "${within}" into the ${what}, or ${lookUp}`,
    'each node can only see that a value is unique among its own rows',
  );
}

export const isUniqueKey = (columns: readonly string[], table: TableName, entities: Entities) =>
  [
    ...entities.of('pks', table),
    ...entities.of('uniques', table),
    ...entities.of('indexes', table).filter((it) => it.isUnique && !it.where),
  ].some((key) => {
    const names = key.columns.map((it: any) => (typeof it === 'string' ? it : it.isExpression ? undefined : it.value));
    return names.length === columns.length && columns.every((it) => names.includes(it));
  });
