/** What Citus refuses in drizzle-kit's words, and takes in others. PostgreSQL takes them too. */
import { changesOf, isMoved, type Migrated } from '../changes.js';
import { foreignKeySql } from '../citus.js';
import { ident, quoted } from '../names.js';
import { match, tablePattern as table } from '../statements.js';

const both = new RegExp(`^(ALTER TABLE ${table}) (DROP CONSTRAINT "(?:[^"]|"")*"), (ADD CONSTRAINT [\\s\\S]*)$`);

/** Citus takes one constraint at a time: drizzle-kit's way to change one is taken apart. */
export function apart(statement: string): string[] {
  const found = both.exec(statement);
  return found ? [`${found[1]} ${found[2]};`, `${found[1]} ${found[3]}`] : [statement];
}

const owned = new RegExp(`^ALTER SEQUENCE (${table}) OWNED BY "((?:[^"]|"")*)"\\."((?:[^"]|"")*)"\\."((?:[^"]|"")*)";`);

/**
 * A column that becomes a serial. Citus changes the owner of no sequence that a table draws from, and the type of no
 * column that draws: so the type comes first, then the sequence with its owner, and the default last.
 */
export function serials(statements: readonly string[], migrated: Migrated): string[] {
  const held = heldTables(migrated);
  let done = [...statements];
  for (const owner of statements) {
    const [, sequence, schema, name, column] = owned.exec(owner) ?? [];
    const at = name === undefined ? undefined : quoted({ schema: schema!, name });
    if (at === undefined || !held.has(at)) continue;
    const alter = `ALTER TABLE ${at} ALTER COLUMN "${column}" `;
    const isPart = (it: string) =>
      it === owner ||
      it.startsWith(`CREATE SEQUENCE ${sequence};`) ||
      it.startsWith(`${alter}SET DEFAULT nextval(`) ||
      it.startsWith(`${alter}SET DATA TYPE `);
    const rank = (it: string) =>
      it.includes(' SET DATA TYPE ') ? 0 : it.startsWith('CREATE') ? 1 : it === owner ? 2 : 3;
    const parts = done.filter(isPart).sort((a, b) => rank(a) - rank(b));
    const place = done.findIndex(isPart);
    done = done.flatMap((it, i) => (i === place ? parts : isPart(it) ? [] : [it]));
  }
  return done;
}

/** Tables that Citus holds before and after, as they are quoted after. */
const heldTables = (migrated: Migrated) =>
  new Map(
    migrated.prev.citus && migrated.next.citus
      ? changesOf(migrated)
          .filter((it) => !it.isNew && !isMoved(it) && it.to.kind !== 'local')
          .map((it) => [quoted(it.table), it.table])
      : [],
  );

/**
 * A constraint that got another name in the question of drizzle-kit. Citus renames an index, and with it the key that
 * it serves; other constraints are dropped and added.
 */
export function renameConstraints(statements: readonly string[], migrated: Migrated): string[] {
  const { after, next } = migrated;
  const held = heldTables(migrated);
  return statements.flatMap((statement) => {
    const found = match('renameConstraint', statement);
    const at = found && held.get(found.table);
    if (!found || !at) return [statement];
    const drop = `ALTER TABLE ${quoted(at)} DROP CONSTRAINT ${ident(found.name)};`;
    const fk = after.of('fks', at).find((it) => it.name === found.to);
    if (fk) return [drop, foreignKeySql(fk, next)];
    const check = after.of('checks', at).find((it) => it.name === found.to);
    if (check) return [drop, `ALTER TABLE ${quoted(at)} ADD CONSTRAINT ${ident(found.to!)} CHECK (${check.value});`];
    return [`ALTER INDEX ${quoted({ schema: at.schema, name: found.name })} RENAME TO ${ident(found.to!)};`];
  });
}
