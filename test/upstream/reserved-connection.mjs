/**
 * postgres.js: `reserve()` sends BEGIN, the settings, a statement and COMMIT in one round trip, and would do in place
 * of src/drivers/postgres-js.ts. But it does not say when its connection was lost: what is sent then runs on another
 * one, outside of the transaction and without its settings, or the process ends.
 */
import postgres from 'postgres';
import { within } from './within.mjs';

process.on('uncaughtException', (error) => {
  console.log(`faulty: postgres.js writes on a connection that is gone, which ends the process: ${error.message}`);
  process.exit(0);
});
const sql = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
const admin = postgres(process.env.DATABASE_URL, { max: 1, onnotice: () => {} });
const reserved = await sql.reserve();
const [{ pid }] = await reserved`select pg_backend_pid() as pid`;
await reserved`begin`;
await reserved`set local app.tenant_id = 'a'`;
await admin`select pg_terminate_backend(${pid})`;
await new Promise((resolve) => setTimeout(resolve, 200));
const after = async () =>
  (await reserved`select pg_backend_pid() as pid, current_setting('app.tenant_id', true) as tenant`)[0];
const answer = await within(
  1_000,
  after().then(
    (it) => it,
    (error) => `failed: ${error.code}`,
  ),
);
const again =
  typeof answer === 'string'
    ? await within(
        1_000,
        after().then(
          (it) => it,
          (error) => `failed: ${error.code}`,
        ),
      )
    : answer;
const isSafe = [answer, again].every((it) => typeof it === 'string' && it !== 'no answer');
console.log(
  isSafe ? 'mended' : `faulty: behind the loss, ${JSON.stringify(again)} where pid was ${pid} and the tenant "a"`,
);
process.exit(0);
