/** The locks of a migration, taken before its statements, by tries that make nobody wait for long. */
import { quoted, type TableName } from '../names.js';
import { match, tablePattern } from '../statements.js';
import { doBlock } from '../quotes.js';

const locking = new RegExp(
  `^(?:ALTER TABLE|DROP TABLE|(?:CREATE|DROP|ALTER) POLICY "(?:[^"]|"")*" ON) (${tablePattern})`,
);
const referenced = new RegExp(` REFERENCES (${tablePattern})\\(`);

/** How long a statement waits for a strong lock before it lets others go first. */
export const lockTimeout = '100ms';
const tries = 120;

/**
 * A statement that waits for a strong lock makes every later one wait behind it, and one that got it keeps it until the
 * transaction ends. So all are taken at once, in a subtransaction that gives them back when one is not to be had.
 */
export function lockBlock(
  statements: readonly string[],
  existing: ReadonlyMap<string, { table: TableName; old: TableName }>,
  onCitus: boolean,
): string[] {
  const whole = new Set<string>();
  const writes = new Set<string>();
  for (const statement of statements) {
    const table = locking.exec(statement)?.[1];
    const found = table === undefined ? undefined : existing.get(table);
    if (found) whole.add(quoted(found.old));
    const to = match('addForeignKey', statement) && referenced.exec(statement)?.[1];
    const other = to === undefined ? undefined : existing.get(to);
    if (other) writes.add(quoted(other.old));
  }
  const shared = [...writes].filter((it) => !whole.has(it));
  const locks = [
    ...(whole.size > 0 ? [`LOCK TABLE ${[...whole].sort().join(', ')} IN ACCESS EXCLUSIVE MODE;`] : []),
    ...(shared.length > 0 ? [`LOCK TABLE ${shared.sort().join(', ')} IN SHARE ROW EXCLUSIVE MODE;`] : []),
  ];
  if (locks.length === 0) return [];
  return [
    // Citus passes it on to the workers, where a shard is vacuumed.
    ...(onCitus ? [`SET LOCAL citus.propagate_set_commands TO 'local';`] : []),
    `SET LOCAL lock_timeout = '${lockTimeout}';`,
    [
      '-- Takes the locks of the statements below at once, and lets others go first while they are not to be had.',
      doBlock('lock', [
        'BEGIN',
        `\tFOR try IN 1..${tries} LOOP`,
        '\t\tBEGIN',
        `\t\t\tPERFORM set_config('lock_timeout', '${lockTimeout}', true);`,
        ...locks.map((it) => `\t\t\t${it}`),
        '\t\t\tRETURN;',
        '\t\tEXCEPTION WHEN lock_not_available OR deadlock_detected THEN',
        `\t\t\tIF try = ${tries} THEN RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE =`,
        `\t\t\t\t'Run the migration again when long transactions have ended (see pg_stat_activity): ` +
          `a lock was not to be had in ${tries} tries. Nothing was changed.'; END IF;`,
        '\t\t\tPERFORM pg_sleep(least(1, 0.05 * try));',
        '\t\tEND;',
        '\tEND LOOP;',
        'END',
      ]),
    ].join('\n'),
  ];
}
