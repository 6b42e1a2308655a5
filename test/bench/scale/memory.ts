/** Memory, on both sides of a connection. */
import type postgres from 'postgres';

declare const gc: (() => void) | undefined;

/** @returns the bytes of this process's heap that something holds */
export async function heap(): Promise<number> {
  if (typeof gc !== 'function') throw new Error('Run this with node --expose-gc: otherwise the heap says nothing.');
  // What earlier clients left goes once their sockets are closed.
  let [last, used] = [Infinity, process.memoryUsage().heapUsed];
  for (let i = 0; i < 40 && (i < 5 || last - used > 5_000); i++) {
    last = used;
    gc();
    await new Promise((resolve) => setTimeout(resolve, 25));
    gc();
    used = process.memoryUsage().heapUsed;
  }
  return used;
}

/** @returns the bytes of the server's process behind this client's one connection, by PostgreSQL's names of parts */
export async function serverMemory(client: postgres.Sql): Promise<{ all: number; of: (name: string) => number }> {
  const rows = await client`select name, sum(used_bytes)::int as used from pg_backend_memory_contexts group by name`;
  return {
    all: rows.reduce((sum, it) => sum + it['used'], 0),
    of: (name) => rows.find((it) => it['name'] === name)?.['used'] ?? 0,
  };
}
