/**
 * `npm run playground:people`: serves the application until Ctrl-C, on a PostgreSQL of its own or on the one at
 * DATABASE_URL.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { assertRowLevelSecurity, withTenancy } from 'drizzle-tenant';
import { embeddedServer, serverAt, Unavailable } from '../server.js';
import { peopleApp } from './app.js';
import { relations } from './schema.js';
import { keysOf } from './secrets.js';
import { serve } from './serve.js';

const address = process.env.DATABASE_URL;
const server = address ? serverAt(address) : embeddedServer();
const closing: (() => Promise<unknown>)[] = [() => server.stop()];
let isClosing = false;
const close = async (status: number) => {
  if (isClosing) return;
  isClosing = true;
  for (const step of closing.reverse()) await step().catch(() => {});
  process.exit(status);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void close(0));

try {
  const url = await server.start();
  // Migrations run as the owner of the tables; the application logs in as a role that the policies hold.
  const owner = postgres(url, { max: 1, onnotice: () => {} });
  await migrate(drizzle({ client: owner }), {
    migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)),
  });
  const password = randomBytes(16).toString('hex');
  await owner.unsafe(`alter role people_app login password '${password}'; grant people_admin to people_app`);
  await owner.end();
  const client = postgres(Object.assign(new URL(url), { username: 'people_app', password }).href, {
    onnotice: () => {},
  });
  closing.push(() => client.end({ timeout: 1 }));
  const db = withTenancy(drizzle({ client }), { relations, rls: true, across: { role: 'people_admin' } });
  await assertRowLevelSecurity(db);

  const app = peopleApp({
    db,
    keys: keysOf(process.env.SECRET ?? randomBytes(32).toString('hex')), // Of its own for each run, unless it is given.
    mail: async ({ to, kind, token }) =>
      console.log(`A mail to ${to} (${kind})${token ? `, with the token ${token}` : ''}`),
    isSecure: false, // On this machine only.
  });
  const listening = await serve(app.fetch, 3000).catch(() => serve(app.fetch, 0));
  closing.push(() => listening.close());
  const post = (path: string, json: string) =>
    `  curl -b jar -c jar ${listening.url}${path} -H 'Content-Type: application/json' -d '${json}'`;
  console.log(`On ${server.name}, until Ctrl-C. Mails are printed here.

${post('/sign-up', '{"email":"ann@example.com"}')}
${post('/sign-up/confirm', '{"token":"OF THE MAIL","name":"Ann","password":"a long password"}')}
${post('/accounts', '{"name":"Acme"}')}
  curl -b jar ${listening.url}/accounts
`);
} catch (error) {
  console.error(error instanceof Unavailable ? error.message : error);
  await close(1);
}
