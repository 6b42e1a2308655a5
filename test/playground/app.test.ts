/** The REST application: what each request gets, and that no tenant sees or touches another's. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { seed } from '../../playground/seed.js';
import { connect } from '../../playground/database.js';
import { acme, birch, cedar, testApplication, type Answer } from './application.js';

const app = testApplication();
const { call } = app;
const resources = ['accounts', 'users', 'managers', 'projects', 'tasks', 'countries'];

/** Every row of a tenant, and every country, read past the application. */
async function rowsOf(tenant: typeof acme): Promise<string> {
  const tables = ['accounts', 'users', 'managers', 'projects', 'project_managers', 'tasks'];
  const texts = tables.map(
    (table) =>
      `select '${table}' as name, t::text as row from ${table} t ` +
      `where ${table === 'accounts' ? 'id' : 'account_id'} = '${tenant.id}'`,
  );
  const rows = await app.client.unsafe(
    `${texts.join(' union all ')} union all select 'countries', t::text from countries t order by 1, 2`,
  );
  return JSON.stringify(rows);
}

/** A problem says what was wrong, and names nobody. */
function expectProblem({ status, body, headers, text }: Answer, expected: number) {
  expect({ status, text }).toMatchObject({ status: expected });
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ status: expected, title: expect.stringMatching(/\w{3}/) });
  for (const tenant of [birch, cedar]) expect(text).not.toMatch(new RegExp(`${tenant.id}|${tenant.name}`, 'i'));
}

describe('who asks', () => {
  it.each(resources)('answers 401 to nobody: %s', async (resource) => {
    const headers = [
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer x.y' },
      { authorization: `Basic ${app.tokenFor()}` },
    ];
    for (const header of headers) {
      const answer = await call('GET', `/api/${resource}`, { as: null, headers: header });
      expectProblem(answer, 401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it('answers 401 to a token that was changed', async () => {
    const [, signature] = app.tokenFor(acme).split('.');
    const [claim] = app.tokenFor(birch).split('.');
    for (const token of [
      `${claim}.${signature}`,
      `${claim}.`,
      `${claim}`,
      `.${signature}`,
      `${claim}.${signature}.x`.slice(1),
    ]) {
      expectProblem(
        await call('GET', '/api/projects', { as: null, headers: { authorization: `Bearer ${token}` } }),
        401,
      );
    }
  });

  it('answers 401 to the token of a user who is gone', async () => {
    const { body } = await call('POST', '/api/users', { json: { name: 'Temp', email: 'temp@x' } });
    const headers = { authorization: `Bearer ${body.token}` };
    expect((await call('GET', '/api/users/me', { as: null, headers })).body).toMatchObject({
      id: body.id,
      name: 'Temp',
    });
    expect((await call('DELETE', `/api/users/${body.id}`)).status).toBe(204);
    expectProblem(await call('GET', '/api/users/me', { as: null, headers }), 401);
  });

  it('answers 401 to the token of a user who is gone, whose number another one has', async () => {
    const as = ({ token }: { token: string }) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
    const create = async (name: string) =>
      (await call('POST', '/api/users', { json: { name, email: `${name}@y` } })).body;
    const temp = await create('Temp');
    expect((await call('DELETE', `/api/users/${temp.id}`)).status).toBe(204);
    const next = await create('Next');
    expect(next.id).toBe(temp.id);
    expectProblem(await call('GET', '/api/users/me', as(temp)), 401);
    expect((await call('GET', '/api/users/me', as(next))).body).toMatchObject({ name: 'Next' });
    expectProblem(await call('GET', '/api/users/me', as({ token: app.tokenFor(acme, next.id) })), 401);
    expect((await call('DELETE', `/api/users/${next.id}`)).status).toBe(204);
    // An account that was opened here, too.
    const opened = (
      await call('POST', '/api/accounts', { as: null, json: { name: 'New', user: { name: 'A', email: 'a@y' } } })
    ).body;
    expectProblem(await call('GET', '/api/users/me', as({ token: app.tokenFor({ ...acme, id: opened.id }) })), 401);
    expect((await call('GET', '/api/users/me', as(opened))).body).toMatchObject({ name: 'A' });
    expect((await call('DELETE', `/api/accounts/${opened.id}`, as(opened))).status).toBe(204);
    expectProblem(await call('GET', '/api/users/me', as(opened)), 401);
  });

  it('answers 404 for an unknown account and for that of another user, wherever it is named', async () => {
    for (const [account, status] of [
      [randomUUID(), 404],
      ["' or '1'='1", 404],
      [birch.id, 404],
    ] as const) {
      expectProblem(await call('GET', '/api/projects', { headers: { 'x-account': String(account) } }), status);
      for (const method of ['GET', 'PATCH', 'DELETE']) {
        expectProblem(
          await call(method, `/api/accounts/${encodeURIComponent(String(account))}`, {
            json: method === 'PATCH' ? { name: 'Mine' } : undefined,
          }),
          status,
        );
      }
    }
    expect(
      (await call('GET', '/api/projects', { headers: { 'x-account': String(acme.id).toUpperCase() } })).status,
    ).toBe(200);
  });

  it('says no more of an account that is there than of its absence', async () => {
    const [there, absent] = await Promise.all([birch.id, randomUUID()].map((id) => call('GET', `/api/accounts/${id}`)));
    expect([there!.status, there!.body]).toEqual([absent!.status, absent!.body]);
  });
});

describe('resources', () => {
  it('gives each tenant its own rows under the same ids', async () => {
    for (const tenant of [acme, birch, cedar]) {
      const { status, body } = await call('GET', '/api/projects', { as: tenant });
      expect(status).toBe(200);
      expect(body).toMatchObject({ total: 3, next: null });
      const own = await app.client`select id, name, budget, starts_on::text as "startsOn" from projects
          where account_id = ${String(tenant.id)} order by id`;
      expect(body.items).toEqual([...own]);
    }
  });

  it('creates, reads, updates and deletes, and touches no other tenant', async () => {
    const others = await Promise.all([rowsOf(birch), rowsOf(cedar)]);
    const before = await rowsOf(acme);
    const cases = [
      { path: 'users', json: { name: 'Dee', email: 'dee@x' }, change: { name: 'Dora', countryCode: 'NO' } },
      { path: 'managers', json: { userId: 3, title: 'Third' }, change: { title: 'Second' } },
      { path: 'projects', json: { name: 'Garden', startsOn: '2026-02-28' }, change: { budget: 7, startsOn: null } },
      {
        path: 'tasks',
        json: { projectId: 1, title: 'Dig', status: 'doing' },
        change: { parentId: 1, hours: 3, assigneeId: 2 },
      },
    ];
    for (const { path, json, change } of cases) {
      const created = await call('POST', `/api/${path}`, { json });
      expect(created).toMatchObject({ status: 201, body: json });
      const { token: _token, ...row } = created.body;
      const address = `/api/${path}/${row.id}`;
      expect(await call('GET', address)).toMatchObject({ status: 200, body: row });
      expect(await call('PATCH', address, { json: change })).toMatchObject({
        status: 200,
        body: { ...row, ...change },
      });
      expect(await call('PATCH', address, { json: {} })).toMatchObject({ status: 200, body: { ...row, ...change } });
      for (const method of ['GET', 'DELETE']) expectProblem(await call(method, address, { as: birch }), 404);
      expectProblem(await call('PATCH', address, { as: birch, json: change }), 404);
      expect(await call('DELETE', address)).toMatchObject({ status: 204, text: '' });
      expectProblem(await call('GET', address), 404);
      expectProblem(await call('DELETE', address), 404);
      expectProblem(await call('PATCH', address, { json: change }), 404);
    }
    expect(await rowsOf(acme)).toBe(before);
    expect(await Promise.all([rowsOf(birch), rowsOf(cedar)])).toEqual(others);
  });

  it('links managers to projects', async () => {
    expect((await call('PUT', '/api/projects/3/managers/1')).status).toBe(204);
    expect((await call('PUT', '/api/projects/3/managers/1')).status).toBe(204);
    expect((await call('GET', '/api/projects/3')).body.managers).toEqual([
      { id: 1, title: 'Lead', user: { name: 'Ada' } },
    ]);
    expect((await call('DELETE', '/api/projects/3/managers/1')).status).toBe(204);
    expectProblem(await call('DELETE', '/api/projects/3/managers/1'), 404);
    expectProblem(await call('PUT', '/api/projects/3/managers/99'), 422);
  });

  it('opens an account, which has nothing of the others, and closes it', async () => {
    const json = { name: 'Dogwood', countryCode: 'FI', user: { name: 'Eve', email: 'ada@acme.example' } };
    const { status, body } = await call('POST', '/api/accounts', { as: null, json });
    expect(status).toBe(201);
    const mine = { as: null, headers: { authorization: `Bearer ${body.token}` } };
    expect((await call('GET', '/api/accounts', mine)).body.items).toEqual([
      { id: body.id, name: 'Dogwood', countryCode: 'FI' },
    ]);
    expect((await call('GET', '/api/users', mine)).body).toMatchObject({ total: 1, items: [{ id: 1, name: 'Eve' }] });
    for (const path of ['projects', 'tasks', 'managers'])
      expect((await call('GET', `/api/${path}`, mine)).body).toMatchObject({ total: 0, items: [] });
    expect((await call('PATCH', `/api/accounts/${body.id}`, { ...mine, json: { name: 'Dog' } })).body.name).toBe('Dog');
    expect((await call('DELETE', `/api/accounts/${body.id}`, mine)).status).toBe(204);
    expectProblem(await call('GET', '/api/projects', mine), 401); // The token's user is gone with the account.
    expect((await call('GET', '/api/projects')).body.total).toBe(3);
  });

  it('numbers rows that are created at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        call('POST', '/api/tasks', { as: cedar, json: { projectId: 1, title: `Task ${i}` } }),
      ),
    );
    expect(made.map((it) => it.status)).toEqual(Array(12).fill(201));
    expect(new Set(made.map((it) => it.body.id)).size).toBe(12);
    await Promise.all(made.map((it) => call('DELETE', `/api/tasks/${it.body.id}`, { as: cedar })));
  });

  it('shows the countries to every tenant, and lets none write them', async () => {
    const [one, other] = await Promise.all([acme, birch].map((as) => call('GET', '/api/countries?limit=3', { as })));
    expect(one!.body).toEqual(other!.body);
    expect((await call('GET', '/api/countries/CL')).body).toMatchObject({ code: 'CL', name: 'Chile' });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expectProblem(await call(method, '/api/countries/CL'), 404);
  });
});

describe('lists', () => {
  const pages = async (path: string) => {
    const seen: unknown[] = [];
    let address: string | null = path;
    while (address) {
      const { body }: Answer = await call('GET', address);
      seen.push(...body.items);
      address = body.next === null ? null : `${path}&after=${body.next}`;
    }
    return seen;
  };

  it('come in pages that together are the whole', async () => {
    const tasks = (await call('GET', '/api/tasks')).body;
    expect(await pages('/api/tasks?limit=1')).toEqual(tasks.items);
    expect(await pages('/api/tasks?limit=4')).toEqual(tasks.items);
    expect(await pages('/api/tasks?limit=6')).toEqual(tasks.items);
    const countries = await pages('/api/countries?limit=100');
    expect(countries).toHaveLength((await call('GET', '/api/countries')).body.total);
  });

  it('can be filtered, and count what the filter leaves', async () => {
    expect((await call('GET', '/api/projects?minBudget=8000&name=WEB')).body).toMatchObject({
      total: 2,
      items: [{ name: 'Website' }, { name: 'Web shop' }],
    });
    expect((await call('GET', '/api/tasks?projectId=1&status=done&limit=1')).body).toMatchObject({
      total: 2,
      items: [{ id: 1 }],
      next: 1,
    });
    expect((await call('GET', '/api/tasks?assigneeId=2')).body.items.map((it: any) => it.id)).toEqual([2, 4]);
    expect((await call('GET', '/api/users?email=ada@birch.example')).body.total).toBe(0);
    expect((await call('GET', `/api/projects?name=${encodeURIComponent('%')}`)).body.total).toBe(0);
  });
});

describe('bad input', () => {
  it('answers 400 to what is no JSON, and to values that are not as declared, and says which', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{', '', 'null', '[]', '"x"', '{"name":', '\u0000', '{"name":"x"}}']) {
      expectProblem(await call('POST', '/api/projects', { headers, body } as object), 400);
    }
    const wrong: [string, unknown, string][] = [
      ['projects', {}, 'name'],
      ['projects', { name: 7 }, 'name'],
      ['projects', { name: '' }, 'name'],
      ['projects', { name: 'x'.repeat(201) }, 'name'],
      ['projects', { name: 'a\u0000b' }, 'name'],
      ['projects', { name: '\ud800' }, 'name'],
      ['projects', { name: 'x', budget: 2 ** 31 }, 'budget'],
      ['projects', { name: 'x', budget: -1 }, 'budget'],
      ['projects', { name: 'x', budget: 1.5 }, 'budget'],
      ['projects', { name: 'x', startsOn: '2026-02-30' }, 'startsOn'],
      ['tasks', { projectId: 1, title: 'x', status: "open'; drop table tasks" }, 'status'],
      ['tasks', { projectId: '1', title: 'x' }, 'projectId'],
      ['users', { name: 'x', email: 'x' }, 'email'],
      ['users', { name: 'x', email: 'x@y', countryCode: 'chile' }, 'countryCode'],
    ];
    for (const [path, json, field] of wrong) {
      const answer = await call('POST', `/api/${path}`, { json });
      expectProblem(answer, 400);
      expect(answer.body.errors[0].path).toEqual(['payload', field]);
    }
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'after=-1', 'minBudget=1e99', 'limit=1&limit=2']) {
      expectProblem(await call('GET', `/api/projects?${query}`), 400);
    }
  });

  it('answers 404 for ids of nothing, of another tenant, and for what is no id', async () => {
    const { body } = await call('POST', '/api/projects', { as: birch, json: { name: 'Only theirs' } });
    const answers = await Promise.all(
      [
        body.id,
        999999,
        0,
        -1,
        '1e3',
        '99999999999999',
        "1' or '1'='1",
        '1;drop table projects',
        '../2',
        '%00',
        'x'.repeat(3000),
      ].map((id) => call('GET', `/api/projects/${encodeURIComponent(String(id))}`)),
    );
    for (const answer of answers) {
      expectProblem(answer, 404);
      expect(answer.body).toEqual(answers[0]!.body);
    }
    await call('DELETE', `/api/projects/${body.id}`, { as: birch });
  });

  it('answers 422 to references of nothing and of another tenant alike', async () => {
    const { body } = await call('POST', '/api/projects', { as: birch, json: { name: 'Only theirs' } });
    const [theirs, nothing] = await Promise.all(
      [body.id, 999999].map((projectId) => call('POST', '/api/tasks', { json: { projectId, title: 'x' } })),
    );
    expectProblem(theirs!, 422);
    expect(theirs!.text).toBe(nothing!.text);
    expectProblem(await call('PATCH', '/api/tasks/1', { json: { projectId: body.id } }), 422);
    expectProblem(await call('POST', '/api/users', { json: { name: 'x', email: 'x@y', countryCode: 'QQ' } }), 422);
    await call('DELETE', `/api/projects/${body.id}`, { as: birch });
  });

  it('answers 409 where a name is taken, and not where another tenant has it', async () => {
    const created = await call('POST', '/api/projects', { as: birch, json: { name: 'Pond' } });
    const own = await call('POST', '/api/projects', { json: { name: 'Pond' } });
    expect([created.status, own.status]).toEqual([201, 201]);
    const again = await call('POST', '/api/projects', { json: { name: 'Pond' } });
    expectProblem(again, 409);
    expect(again.body.constraint).toMatch(/name/);
    expectProblem(await call('PATCH', '/api/projects/1', { json: { name: 'Pond' } }), 409);
    expectProblem(await call('DELETE', '/api/users/3'), 409); // A task is assigned to this user.
    await Promise.all([
      call('DELETE', `/api/projects/${own.body.id}`),
      call('DELETE', `/api/projects/${created.body.id}`, { as: birch }),
    ]);
  });

  it('keeps hostile text as it is', async () => {
    const others = await Promise.all([rowsOf(birch), rowsOf(cedar)]);
    const texts = [
      "'; drop table projects; --",
      '$1',
      '${1}',
      '"',
      '\\',
      '\\x00',
      '%',
      '<script>alert(1)</script>',
      '${process.exit()}',
      'ÿ\u202e𝕏👩‍👩‍👧',
      '\t\n\r',
      `${birch.id}`,
      'null',
      '{"a":1}',
      '__proto__',
    ];
    for (const text of texts) {
      const project = await call('POST', '/api/projects', {
        json: { name: text, accountId: birch.id, account_id: birch.id },
      });
      expect(project).toMatchObject({ status: 201, body: { name: text } });
      const task = await call('POST', '/api/tasks', { json: { projectId: project.body.id, title: text, id: 1 } });
      expect(task).toMatchObject({ status: 201, body: { title: text } });
      expect((await call('GET', `/api/projects?name=${encodeURIComponent(text)}`)).body.items).toContainEqual(
        expect.objectContaining({ name: text }),
      );
      expect((await call('DELETE', `/api/projects/${project.body.id}`)).status).toBe(204);
    }
    expect(await Promise.all([rowsOf(birch), rowsOf(cedar)])).toEqual(others);
  });

  it('answers 413 to a body that is too large, with a length and without', async () => {
    const large = JSON.stringify({ name: 'x'.repeat(300_000) });
    const headers = { 'content-type': 'application/json' };
    expectProblem(await call('POST', '/api/projects', { headers, body: large } as object), 413);
    const body = new Blob([large]).stream();
    expectProblem(await call('POST', '/api/projects', { headers, body, duplex: 'half' } as object), 413);
    expect((await call('GET', '/api/projects')).status).toBe(200);
  });

  it('answers 415 to a body of another type, and 404 where there is nothing', async () => {
    expectProblem(
      await call('POST', '/api/projects', { headers: { 'content-type': 'text/xml' }, body: '<a/>' } as object),
      415,
    );
    expectProblem(await call('GET', '/api/nothing'), 404);
    expectProblem(await call('GET', '/etc/passwd'), 404);
  });
});

describe('documents', () => {
  it('describes itself, and shows the description without the internet', async () => {
    const { body } = await call('GET', '/openapi.json', { as: null });
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(resources.map((it) => `/api/${it}`)));
    expect(body.paths['/api/projects'].get.security).toEqual([{ bearer: [] }]);
    expect(body.paths['/api/accounts'].post.security).toEqual([]);
    const docs = await call('GET', '/docs', { as: null });
    expect(docs.status).toBe(200);
    expect(docs.text).not.toMatch(/<(script|link)[^>]+(src|href)="https?:/);
  });
});

it('has left what was there at first', async () => {
  const before = await Promise.all([acme, birch, cedar].map(rowsOf));
  await app.client`delete from accounts`;
  await app.client`delete from countries`;
  await seed(connect(app.client), [acme, birch, cedar]);
  expect(await Promise.all([acme, birch, cedar].map(rowsOf))).toEqual(before);
});
