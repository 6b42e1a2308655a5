/** Drizzle's `withReplicas`: statements run on the primary, and on a replica where the application asks for it. */
import { UnsupportedTenantOperationError } from '../errors.js';
import type { WithTenancyOptions } from '../handle/database.types.js';
import { hasReplicas } from '../rls/checked.js';

type Open = (db: any, options: WithTenancyOptions<any>) => any;

/**
 * Gives the handles of the primary `$replica`, `$replicas` and `$primary`, as Drizzle's `withReplicas` gives them to
 * its handle.
 *
 * @param handles of the primary
 * @param db what `withReplicas` returned
 * @param open makes the handles of a replica: each has a gate, a pool and a fair queue of its own
 */
export function withReplicas(handles: any, db: any, options: WithTenancyOptions<any>, open: Open): any {
  const replicas: readonly object[] = db.$replicas;
  const opened = new Map<object, object>();
  const handlesOf = (replica: any): object => {
    if (replica === db || replica === db.$primary) return handles;
    let found = opened.get(replica);
    if (!found) opened.set(replica, (found = openReplica(replica, replicas.indexOf(replica), options, open)));
    return found;
  };
  const all = () => replicas.map(handlesOf);
  hasReplicas(handles, all);
  return Object.defineProperties(handles, {
    $replica: { get: () => handlesOf(db.$replica), enumerable: true },
    $replicas: { get: all, enumerable: true },
    $primary: { value: handles },
  });
}

/** The handle that reads every tenant has a replica for each one, too: on the primary, what it writes would be kept. */
function openReplica(replica: object, index: number, options: WithTenancyOptions<any>, open: Open): object {
  const { across, rls } = options;
  if (!rls || !across || 'role' in across) return open(replica, options);
  const own = (across as { $replicas?: readonly any[] }).$replicas?.[index];
  if (own) return open(replica, { ...options, across: own });
  const refused = () => {
    throw new UnsupportedTenantOperationError(
      'Pass across: withReplicas(admin, [...]) to withTenancy(), with a replica for each of the database, ' +
        'or { role }: ' +
        'the handle that was passed is no replica.',
    );
  };
  return Object.defineProperties(open(replica, { ...options, across: undefined }), {
    forTenants: { value: refused },
    acrossTenants: { value: refused },
  });
}
