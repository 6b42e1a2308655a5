/** What is said where tables or handles of two tenancies meet. */
import { declaredTwice } from '../copies.js';
import { UnscopedTableError } from '../errors.js';

/**
 * @param table the table that is refused, by its name
 * @param of its tenancy
 * @param handle the tenancy that is meant, as far as it is known
 */
export function otherTenancy(table: string, of: unknown, handle: unknown): UnscopedTableError {
  const [name, known] = [of, handle].map((it) => (it as { name?: string } | undefined)?.name);
  if (name === undefined)
    return new UnscopedTableError(
      table,
      `Use a handle of its own tenancy for "${table}": this handle belongs to another tenancy.`,
    );
  if (name === known) return new UnscopedTableError(table, `${declaredTwice(name)}.`);
  return new UnscopedTableError(
    table,
    `Use a handle of the tenancy "${name}" for "${table}", as in db.forTenant(${name}Id): ` +
      'this handle belongs to another tenancy.',
  );
}
