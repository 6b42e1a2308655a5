/** That the comparisons with what is built anew compare with that, and not one plan with another. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { beforeAll, expect, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { built, withoutPlans } from '../support/plans.js';
import { a } from '../support/rows.js';
import { relations, tasks } from '../support/schema.js';

// The first database has plans loaded, for all of them.
const planned = withTenancy(drizzle.mock(), { relations });
const unplanned = withoutPlans(withTenancy(drizzle.mock(), { relations }));

beforeAll(() => import('../../src/scope/plans.js'));

test('a handle without plans builds each statement anew', () => {
  const plansOf = (db: typeof planned) => {
    const before = built.planned;
    for (let i = 0; i < 4; i++) db.forTenant(a).select().from(tasks).toSQL();
    return built.planned - before;
  };
  expect([plansOf(planned), plansOf(unplanned)]).toEqual([4, 0]);
});
