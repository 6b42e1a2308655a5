/** What every framework has to withstand: the same requests, over HTTP, to an application with the same routes. */
import { request as send, type OutgoingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { asc, eq } from 'drizzle-orm';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { claim, type Access } from '../../src/frameworks/tenant.js';
import {
  defineTenantRelations,
  tenancy,
  tenantTable,
  withTenancy,
  type TenantDatabase,
  type TenantId,
} from '../../src/index.js';

export const account = tenancy('account', uuid);
export const projects = tenantTable('projects', {
  accountId: account.id(),
  id: integer().primaryKey(),
  name: text().notNull(),
});
export const relations = defineTenantRelations({ projects });
export type Handle = TenantDatabase<'account', typeof relations>;

export const [acme, birch, stranger, closed] = ['a', 'b', 'c', 'd'].map((it) =>
  account.parse(`${it.repeat(8)}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`),
) as [AccountId, AccountId, AccountId, AccountId];
type AccountId = TenantId<'account', string>;
/** Each company has a label of its own; who may use it is another question. */
const slugs: Record<string, AccountId> = { acme, birch, stranger, closed };

interface User {
  readonly accountId: AccountId;
  readonly may: (id: TenantId<'account'>) => Access;
}
const member = (id: AccountId): User => ({
  accountId: id,
  may: (asked) => (asked === closed ? 'denied' : asked === id),
});
const users: Record<string, User> = { 'Bearer acme': member(acme), 'Bearer birch': member(birch) };

/** The middle of a request: lets another request pass before this one goes on. */
const gates = new Map<string, () => Promise<void>>();

/**
 * The options of the application's middlewares, by the first segment of their routes.
 *
 * @param header reads a header of a framework's request
 * @param subdomain the framework's own
 * @param pathSegment the framework's own
 */
export function optionsFor(
  header: (request: any, name: string) => string | undefined,
  subdomain: (domain: string) => (request: any) => unknown,
  pathSegment: (position: number) => (request: any) => unknown,
) {
  const user = (request: any) => users[header(request, 'authorization') ?? ''];
  const access = async (id: TenantId<'account'>, { may }: User, request: any): Promise<Access> => {
    await gates.get(header(request, 'x-gate') ?? '')?.();
    return may(id);
  };
  const shared = { db: database.db, tenancy: account, user };
  return {
    own: { ...shared, tenant: claim('accountId') },
    accounts: { ...shared, tenant: pathSegment(1), access },
    host: { ...shared, tenant: (request: any) => slugs[String(subdomain('example.test')(request))], access },
    header: { ...shared, tenant: (request: any) => header(request, 'x-account'), access },
    fails: {
      ...shared,
      tenant: async (request: any) => {
        const how = header(request, 'x-how');
        if (how === 'nothing') return Promise.reject(undefined);
        if (how === 'route') return Promise.reject('route');
        throw new Error('a secret of the database');
      },
      access,
    },
  };
}

export const names = async (tdb: Handle) =>
  (await tdb.select({ name: projects.name }).from(projects).orderBy(asc(projects.id))).map((it) => it.name);

/** A body whose parts are read one after the other, the later ones long after the handler has returned. */
export async function* parts(tdb: Handle): AsyncGenerator<string> {
  for (const id of [1, 2]) {
    const [row] = await tdb.select({ name: projects.name }).from(projects).where(eq(projects.id, id));
    yield `${row?.name}\n`;
    await gates.get('stream')?.();
  }
}
export const partsAsStream = (tdb: Handle) =>
  Readable.toWeb(Readable.from(parts(tdb)).map((it: string) => new TextEncoder().encode(it))) as ReadableStream;

/** How often a handler behind the middleware that fails was run. */
export const ran = { times: 0 };

/** Serves what answers a web Request, as the adapters of such frameworks do. */
export const webListener =
  (answer: (request: Request) => Response | Promise<Response>): RequestListener =>
  async (incoming, outgoing) => {
    let response: Response;
    try {
      const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
      response = await answer(new Request(`http://${incoming.headers.host}${incoming.url}`, { headers }));
    } catch (error) {
      response = new Response(null, { status: error instanceof TypeError ? 400 : 500 });
    }
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const part of response.body ?? []) outgoing.write(part);
    outgoing.end();
  };

export let database: Awaited<ReturnType<typeof open>>;

async function open() {
  const name = `frameworks_${process.pid}_${randomBytes(3).toString('hex')}`;
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  await admin.unsafe(`create database ${name}`);
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
  const client = postgres(url, { max: 4, onnotice: () => {} });
  await client`create table projects ("accountId" uuid not null, id integer, name text not null,
    primary key ("accountId", id))`;
  const db = withTenancy(drizzle({ client }), { relations });
  for (const [slug, id] of Object.entries(slugs))
    await db
      .forTenant(id)
      .insert(projects)
      .values([1, 2].map((n) => ({ id: n, name: `${slug} ${n}` })));
  const close = async () => {
    await client.end();
    await admin.unsafe(`drop database ${name} with (force)`);
    await admin.end();
  };
  return { db, close };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, unknown>;
}

/**
 * @param serve starts the application, and returns its port and what stops it. Its routes: GET /own, /accounts/:id,
 *   /host, /header give the names of the tenant's projects as JSON, each behind the middleware of that name; /stream,
 *   behind `own`, gives `parts`; /fails, behind `fails`, counts in `ran`; /none asks for the database without a
 *   middleware
 */
export function withstands(serve: () => Promise<{ port: number; close: () => Promise<unknown> | void }>): void {
  let served: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    database = await open();
    served = await serve();
  });
  afterAll(async () => {
    await served?.close();
    await database?.close();
  });

  const get = (path: string, headers: OutgoingHttpHeaders = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const outgoing = send(
        { host: '127.0.0.1', port: served.port, path, headers: { host: 'example.test', ...headers }, agent: false },
        async (response) => {
          const body = (await response.toArray()).join('');
          const { date: _, ...rest } = response.headers;
          resolve({ status: response.statusCode!, body, headers: rest });
        },
      );
      outgoing.on('error', reject).end();
    });
  const as = (who: string, more: OutgoingHttpHeaders = {}) => ({ authorization: `Bearer ${who}`, ...more });
  const rowsOf = (who: string) => JSON.stringify([`${who} 1`, `${who} 2`]);

  test('a claim, a path, a host and a header name a tenant to who may use it', async () => {
    for (const [who, id] of [
      ['acme', acme],
      ['birch', birch],
    ] as const) {
      for (const [path, headers] of [
        ['/own', {}],
        [`/accounts/${id}`, {}],
        [`/accounts/${id.toUpperCase()}?x=/y`, {}],
        ['/host', { host: `${who}.Example.test:80` }],
        ['/header', { 'x-account': id }],
      ] as const) {
        expect(await get(path, as(who, headers)), `${who} ${path}`).toMatchObject({ status: 200, body: rowsOf(who) });
      }
    }
  });

  test('nobody gets 401, whatever is asked for', async () => {
    const paths = ['/own', `/accounts/${acme}`, `/accounts/${stranger}`, '/accounts/x', '/host', '/header', '/stream'];
    const tried = [
      { authorization: 'Bearer' },
      { authorization: 'Bearer nobody' },
      { authorization: 'acme' },
      { 'x-account': acme, cookie: 'authorization=Bearer acme' },
      { authorization: ['Bearer nobody', 'Bearer acme'] as unknown as string },
    ] as OutgoingHttpHeaders[];
    const answers = await Promise.all([
      ...paths.map((path) => get(path, { host: 'acme.example.test' })),
      ...tried.map((headers) => get('/own', { host: 'acme.example.test', ...headers })),
    ]);
    expect(new Set(answers.map((it) => JSON.stringify(it))).size).toBe(1);
    expect(answers[0]!.status).toBe(401);
  });

  test('a tenant that the user is no member of is answered as one that does not exist', async () => {
    const asked = [
      ...[
        '00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
        birch,
        stranger,
        'x',
        '%00',
        '%E0%A4%A',
        '%2e%2e%2f',
        `${acme}%2f..`,
        `${acme},${birch}`,
        `${acme}%20`,
        `%27%20or%20true--`,
      ].map((it) => [`/accounts/${it}`, {}] as const),
    ];
    const hosts = [
      'birch.example.test',
      'example.test',
      'acme.birch.example.test',
      'acme.example.test.evil.test',
      'acmeexample.test',
      'nobody.example.test',
      '127.0.0.1',
      'constructor.example.test',
      'acme.example.test.',
    ];
    const headers = [birch, stranger, '', [acme, birch], [birch, acme], `${acme} `.repeat(2)];
    const answers = await Promise.all([
      ...asked.map(([path]) => get(path, as('acme'))),
      ...hosts.map((host) =>
        get(
          '/host',
          as('acme', { host, 'x-forwarded-host': 'acme.example.test', forwarded: 'host=acme.example.test' }),
        ),
      ),
      ...headers.map((it) => get('/header', as('acme', { 'x-account': it }))),
      get('/header', as('acme')),
    ]);
    // A path that is no text may be the router's own to refuse.
    const [malformed, refused] = [answers.filter((it) => it.status === 400), answers.filter((it) => it.status !== 400)];
    expect(malformed.length).toBeLessThan(3);
    expect(new Set(refused.map((it) => JSON.stringify(it))).size, JSON.stringify(refused)).toBe(1);
    expect(refused[0]!.status).toBe(404);
    expect(JSON.stringify(refused[0])).not.toMatch(/tenant|account|member|acme|birch/i);
  });

  test('403 is what the application says, and nothing more', async () => {
    const answer = await get(`/accounts/${closed}`, as('acme'));
    expect(answer.status).toBe(403);
    expect(JSON.stringify(answer)).not.toMatch(/tenant|account|closed/i);
    expect(await get('/host', as('birch', { host: 'closed.example.test' }))).toEqual(answer);
  });

  test('what a request says of itself does not change whose a claim is', async () => {
    const liar = as('acme', {
      'x-account': birch,
      'x-tenant-id': birch,
      host: 'birch.example.test',
      'x-forwarded-host': 'birch.example.test',
    });
    expect(await get(`/own?accountId=${birch}`, liar)).toMatchObject({ status: 200, body: rowsOf('acme') });
  });

  test('two requests at once keep their tenants', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<void>((resolve) => gates.set('first', () => (resolve(), held)));
    const first = get(`/accounts/${acme}`, as('acme', { 'x-gate': 'first' }));
    await arrived;
    expect(await get(`/accounts/${birch}`, as('birch'))).toMatchObject({ status: 200, body: rowsOf('birch') });
    expect(await get(`/accounts/${birch}`, as('acme'))).toMatchObject({ status: 404 });
    release();
    expect(await first).toMatchObject({ status: 200, body: rowsOf('acme') });
    gates.clear();
  });

  test("a body that is streamed stays its tenant's own, while another is served", async () => {
    let between = 0;
    gates.set('stream', async () => {
      between++;
      expect(await get('/own', as('birch'))).toMatchObject({ body: rowsOf('birch') });
    });
    expect(await get('/stream', as('acme'))).toMatchObject({ status: 200, body: 'acme 1\nacme 2\n' });
    expect(between).toBe(2);
    gates.clear();
  });

  describe('what the application throws', () => {
    test.each(['error', 'nothing', 'route'])('%s: 500, and no handler runs', async (how) => {
      ran.times = 0;
      const answer = await get('/fails', as('acme', { 'x-how': how }));
      expect(answer.status).toBe(500);
      expect(answer.body).not.toContain('secret');
      expect(ran.times).toBe(0);
    });
  });

  test('a handler that no middleware stands before has no database', async () => {
    expect((await get('/none', as('acme'))).status).toBe(500);
  });
}

/** Listens on a free port of this machine. */
export const listening = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
};
