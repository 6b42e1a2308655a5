/**
 * postgres.js: it asks for the array types of a database when it connects, and leaves a rejected promise that nobody
 * handles where the connection is lost before the answer: that ends the process. Repaired by src/effect/array-types.ts,
 * which asks instead.
 */
import { createServer, connect } from 'node:net';
import postgres from 'postgres';

process.on('unhandledRejection', (error) => {
  console.log(`faulty: a rejection that nobody handles: ${error.message}`);
  process.exit(0);
});
const { hostname, port } = new URL(process.env.DATABASE_URL);
// A way to the server that is cut when the question for the types comes.
const proxy = createServer((socket) => {
  const server = connect(Number(port || 5432), hostname);
  socket.on('data', (it) =>
    it.includes('typarray') ? (socket.resetAndDestroy(), server.destroy()) : server.write(it),
  );
  server.on('data', (it) => socket.write(it));
  for (const it of [socket, server]) it.on('error', () => {});
});
await new Promise((ready) => proxy.listen(0, '127.0.0.1', ready));
const url = Object.assign(new URL(process.env.DATABASE_URL), {
  hostname: '127.0.0.1',
  port: String(proxy.address().port),
}).href;
await Promise.race([
  postgres(url, { max: 1 })`select 1`.catch(() => {}),
  new Promise((resolve) => setTimeout(resolve, 1_000)),
]);
await new Promise((resolve) => setTimeout(resolve, 200));
console.log('mended');
process.exit(0);
