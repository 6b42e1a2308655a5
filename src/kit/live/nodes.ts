/** Asking every node of a cluster. */
import type { Database } from './database.js';
import { DatabaseStateError } from '../errors.js';

/**
 * @param command what each node is asked: one row with one value
 * @param what is read, for the message
 * @returns the answers
 * @throws DatabaseStateError when a node cannot be asked, with its address
 */
export async function askNodes(database: Database, command: string, what: string): Promise<string[]> {
  const nodes = await database.query<{ address: string | null; success: boolean; result: string }>(
    "SELECT n.nodename || ':' || n.nodeport AS address, r.success, r.result " +
      'FROM run_command_on_all_nodes($1) r LEFT JOIN pg_dist_node n USING (nodeid)',
    [command],
  );
  const lost = nodes.filter((it) => !it.success);
  if (lost.length === 0) return nodes.map((it) => it.result);
  const names = lost.map((it) => it.address ?? 'this node').join(', ');
  throw new DatabaseStateError(
    /permission denied|must be owner/.test(lost[0]!.result)
      ? `Grant the role what it is refused on ${names}: ${what} cannot be read there (${lost[0]!.result}). ` +
          'Nothing was changed.'
      : `Start ${names}, or correct its address in pg_dist_node: ` +
          `${what} cannot be read there (${lost[0]!.result}). Nothing was changed.`,
  );
}
