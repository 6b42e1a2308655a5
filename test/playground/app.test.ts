/** The REST application: what each request gets, and that no tenant sees or touches another's. */
import { describe, expect, it } from 'vitest';
import { acme, birch, cedar, testApplication } from './application.js';

const app = testApplication();
const { call } = app;

describe('tenants', () => {
  it('gives each tenant its own rows under the same ids', async () => {
    for (const tenant of [acme, birch, cedar]) {
      const { status, body } = await call('GET', '/api/projects', { as: tenant });
      expect(status).toBe(200);
      expect(body).toMatchObject({ total: 3, next: null });
      const own = await app.databases.shared`select id, name, budget, starts_on::text as "startsOn" from projects where account_id = ${String(tenant.id)} order by id`;
      expect(body.items).toEqual([...own]);
    }
  });
});
