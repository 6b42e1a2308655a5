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

/**
 * A constraint that got another name in the question of drizzle-kit. Citus renames an index, and with it the key that
 * it serves; other constraints are dropped and added.
 */
export function renameConstraints(statements: readonly string[], migrated: Migrated): string[] {
  const { after, next, prev } = migrated;
  if (!prev.citus || !next.citus) return [...statements];
  const held = new Map(
    changesOf(migrated)
      .filter((it) => !it.isNew && !isMoved(it) && it.to.kind !== 'local')
      .map((it) => [quoted(it.table), it.table]),
  );
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
