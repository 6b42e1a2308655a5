/** What handles are given: the id of a tenant, and the reason of a statement that crosses tenants. */
import { otherCopies } from '../copies.js';
import { InvalidTenantIdError, UnsupportedTenantOperationError } from '../schema/index.js';
import { type AnyTenancy, declaredTenancies, idOf } from '../schema/tenancy.js';

export const namesOfTenancies = (tenancies: readonly AnyTenancy[] | undefined) =>
  (tenancies ?? declaredTenancies()).map((it) => it.name).join(' or ') || 'application';

/**
 * The id, and its tenancy where only one can have made it; otherwise the first table that the handle meets tells. An id
 * that `parse` gave is in its one spelling: a value that a tenancy would spell in another way is none of its ids.
 */
export function parsed(
  id: unknown,
  known: readonly AnyTenancy[] | undefined,
): { value: unknown; tenancy: AnyTenancy | undefined } {
  const tenancies = known ?? declaredTenancies();
  const possible = tenancies
    .map((tenancy) => ({ value: idOf(id, tenancy), tenancy }))
    .filter((it) => it.value !== undefined);
  const own = possible.filter((it) => it.value === id);
  const found = own.length > 0 ? own : possible;
  if (found.length === 1) return found[0]!;
  if (found.length > 1 && found.every((it) => it.value === found[0]!.value))
    return { value: found[0]!.value, tenancy: undefined };
  if (tenancies.length === 1) return { value: tenancies[0]!.parse(id), tenancy: tenancies[0] };
  throw new InvalidTenantIdError(
    namesOfTenancies(known),
    found.length > 1
      ? 'several of them would spell it in different ways: parse it first'
      : `it is an id of none of them${otherCopies()}`,
  );
}

export function reasonOf(reason: unknown): string {
  if (typeof reason !== 'string' || reason.trim() === '' || reason.includes('\0')) {
    throw new UnsupportedTenantOperationError(
      "Say why, as in db.acrossTenants({ reason: 'nightly report' }): each statement that crosses tenants " +
        'carries the reason.',
    );
  }
  return reason;
}
