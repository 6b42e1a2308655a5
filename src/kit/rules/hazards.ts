/**
 * Statements of migrations that hold a table while its rows are read or written anew, or that destroy what rows hold.
 */
import { plain, quoted, type TableName } from '../names.js';
import { unquote } from '../quotes.js';
import type { Entities, Row } from '../snapshot.js';
import { match, tablePattern as table } from '../statements.js';

export interface Hazard {
  readonly table: string;
  readonly statement: string;
  readonly kind: 'locks' | 'destroys';
  /** What happens. */
  readonly what: string;
  /** What to write instead. */
  readonly instead: string;
}

interface Danger {
  readonly pattern: RegExp;
  readonly kind: Hazard['kind'];
  readonly what: string;
  readonly instead: string;
}

const online = `tenancy.online: true, and generate again`;
const beside =
  'a new column beside it, written by the application from then on; fill the old rows in, batch by batch; ' +
  'and drop the old column when nothing reads it';

const dangers: readonly Danger[] = [
  {
    pattern: new RegExp(`^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?"(?:[^"]|"")*" ON (${table})`),
    kind: 'locks',
    what: 'writes wait until the index is built',
    instead: `${online}; or run "npx drizzle-tenant indexes" before it`,
  },
  {
    pattern: new RegExp(
      `^ALTER TABLE (${table}) ADD (?:CONSTRAINT "(?:[^"]|"")*" )?(?:PRIMARY KEY|UNIQUE)(?! USING INDEX)`,
    ),
    kind: 'locks',
    what: 'reads and writes wait until its index is built',
    instead: online,
  },
  {
    pattern: new RegExp(
      `^ALTER TABLE (${table}) ADD CONSTRAINT "(?:[^"]|"")*" (?:CHECK|FOREIGN KEY)(?![\\s\\S]*NOT VALID;?$)`,
    ),
    kind: 'locks',
    what: 'writes wait until every row is checked',
    instead: `${online}; or ADD CONSTRAINT ... NOT VALID, and VALIDATE CONSTRAINT in a later migration`,
  },
  {
    pattern: new RegExp(`^ALTER TABLE (${table}) ALTER COLUMN "(?:[^"]|"")*" SET NOT NULL`),
    kind: 'locks',
    what: 'reads and writes wait until every row is looked at',
    instead: `${online}; or a CHECK (... IS NOT NULL) NOT VALID before it, validated in a migration of its own`,
  },
  {
    pattern: new RegExp(
      `^ALTER TABLE (${table}) ADD COLUMN "(?:[^"]|"")*" (?:(?:small|big)?serial\\b|[\\s\\S]* GENERATED ` +
        `|[\\s\\S]* DEFAULT (?!now\\(\\))[^'(]*\\w\\()`,
    ),
    kind: 'locks',
    what: 'reads and writes wait until every row is written anew, with a value of its own',
    instead: 'the column without it, SET DEFAULT for new rows, and the old rows filled in batch by batch',
  },
  {
    pattern: new RegExp(
      `^ALTER TABLE (${table}) ADD COLUMN "(?:[^"]|"")*" (?![\\s\\S]* DEFAULT )[\\s\\S]* NOT NULL;?$`,
    ),
    kind: 'locks',
    what: 'it fails where the table has rows',
    instead: `${online}; or a default, or the column without NOT NULL`,
  },
  {
    pattern: new RegExp(`^(?:CLUSTER|VACUUM FULL|REINDEX TABLE(?! CONCURRENTLY)|TRUNCATE(?: TABLE)?) (${table})`),
    kind: 'locks',
    what: 'reads and writes wait until it is done',
    instead: 'REINDEX ... CONCURRENTLY, or deletes batch by batch',
  },
  {
    pattern: new RegExp(`^UPDATE (${table}) SET `),
    kind: 'locks',
    what: 'whoever writes one of the rows waits until the migration ends',
    instead:
      `${online}, where it fills a new column in; or an UPDATE of some thousand rows at a time, ` +
      'outside of the migration',
  },
  {
    pattern: new RegExp(`^DROP TABLE (?:IF EXISTS )?(${table})`),
    kind: 'destroys',
    what: 'its rows are gone, and instances of the version before fail',
    instead: 'a rename first, and the drop in a later migration, when nothing has missed it',
  },
  {
    pattern: new RegExp(`^ALTER TABLE (${table}) DROP COLUMN`),
    kind: 'destroys',
    what: 'its values are gone, and instances of the version before fail',
    instead: 'a migration of its own, after the version that does not read the column is everywhere',
  },
];

const retype = new RegExp(
  `^ALTER TABLE (${table}) ALTER COLUMN ("(?:[^"]|"")*") SET DATA TYPE ([^;]*?)(?: USING [\\s\\S]*)?;?$`,
);

/**
 * @param statements of one migration
 * @param before the tables before it: what it does to a table that it makes harms nobody
 */
export function hazardsOf(statements: readonly string[], before: Entities): Hazard[] {
  const existing = new Map(
    before.list('tables').map((it) => {
      const name: TableName = { schema: it.schema, name: it.name };
      return [quoted(name), name] as const;
    }),
  );
  return statements.flatMap((whole): Hazard[] => {
    const statement = whole.replace(/^(?:\s*--[^\n]*\n)+/, '').trim();
    const found = retyped(statement, existing, before) ?? dangers.find((it) => it.pattern.test(statement));
    const name = found && existing.get(found.pattern.exec(statement)![1]!);
    const created = match('createTable', statement);
    if (created) existing.delete(created.table);
    if (!found || !name) return [];
    const { kind, what, instead } = found;
    return [{ table: plain(name), statement, kind, what, instead }];
  });
}

function retyped(statement: string, existing: ReadonlyMap<string, TableName>, before: Entities): Danger | undefined {
  const [, at, column, type] = retype.exec(statement) ?? [];
  const name = at === undefined ? undefined : existing.get(at);
  if (!name) return undefined;
  const row = before.column(name, unquote(column!));
  const change = changeOf(row, type!.trim());
  if (change === 'free') return undefined;
  return change === 'narrows'
    ? {
        pattern: retype,
        kind: 'destroys',
        what:
          `values that do not fit ${type} are refused or cut, and every row is written anew while reads and ` +
          'writes wait',
        instead: beside,
      }
    : {
        pattern: retype,
        kind: 'locks',
        what: 'reads and writes wait until every row, and each index of the column, is written anew',
        instead: beside,
      };
}

const numbers = ['smallint', 'integer', 'bigint', 'numeric'];
const widthOf = (type: string) => Number(/^(?:varchar|character varying)\((\d+)\)$/.exec(type)?.[1] ?? Number.NaN);
const isText = (type: string) => /^(?:text|varchar|character varying)(?:$|\()/.test(type);

/** PostgreSQL changes a text's length to a longer one, or to none, without a look at the rows. */
function changeOf(row: Row | undefined, to: string): 'free' | 'narrows' | 'rewrites' {
  const from = String(row?.type ?? '');
  if (isText(from) && isText(to)) {
    if (Number.isNaN(widthOf(to))) return 'free';
    return widthOf(to) >= widthOf(from) ? 'free' : 'narrows';
  }
  const [was, is] = [from, to].map((it) => numbers.indexOf(it.replace(/\(.*/, '')));
  if (was! >= 0 && is! >= 0) return is! < was! ? 'narrows' : 'rewrites';
  if (isText(from)) return 'narrows';
  return /^timestamp|^double/.test(from) && /^date|^real|^time\b/.test(to) ? 'narrows' : 'rewrites';
}
