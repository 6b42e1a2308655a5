/**
 * Plans, as tests want them: kept from the first statement of a form on, so that a program which runs once meets them,
 * and left out for handles that show what the same statement is without.
 */
import { Plans } from '../../src/scope/plans.js';

const unplanned = new WeakSet<object>();
const find = Plans.prototype.find;

/** How many statements were built anew, and by a plan. */
export const built = { anew: 0, planned: 0 };

Plans.prototype.find = function (kind, config, scope) {
  // `isOwn` is one function for all handles of one withTenancy().
  const found = unplanned.has(scope.isOwn) ? undefined : (find.call(this, kind, config, scope) ?? find.call(this, kind, config, scope));
  if (found) built.planned++;
  else built.anew++;
  return found;
};

/** @returns the handles, which build each statement anew */
export function withoutPlans<T>(db: T): T {
  unplanned.add((db as any).shared.dialect.scope.isOwn);
  return db;
}
