/** The SQL of each change, pinned: a person reviews the snapshot as they would review the migration. */
import { describe, expect, it } from 'vitest';
import { changes } from './changes.js';
import { citus, History } from './support.js';

describe('each change', () => {
  for (const change of changes) {
    it(change.name, async () => {
      const history = new History();
      await history.next({ schema: change.before(), tenancy: change.tenancyBefore ?? citus });
      const statements = await history.next({
        schema: change.after(),
        hints: change.hints,
        tenancy: change.tenancyAfter ?? change.tenancyBefore ?? citus,
      });
      await expect(`${statements.join('\n')}\n`).toMatchFileSnapshot(
        `sql/${change.name.replaceAll(/[^a-z]+/gi, '-')}.sql`,
      );
      const again = await history.next({
        schema: change.after(),
        tenancy: change.tenancyAfter ?? change.tenancyBefore ?? citus,
      });
      expect(again.filter((it) => !it.startsWith('-- drizzle-tenant'))).toEqual([]);
    });
  }
});
