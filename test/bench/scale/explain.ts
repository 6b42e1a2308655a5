/** What a statement costs, in what PostgreSQL and Citus count themselves. */
import type postgres from 'postgres';

export interface Cost {
  /** Buffers that the run touches: where the rows are, on Citus the worker. */
  readonly buffers: number;
  /** Buffers that planning touches on the server that was asked, once its caches are filled. */
  readonly planning: number;
  /** The shards that Citus asks; 0 on PostgreSQL. */
  readonly tasks: number;
}

const blocks = (it: any) => (it?.['Shared Hit Blocks'] ?? 0) + (it?.['Shared Read Blocks'] ?? 0);

/** All jobs of a plan of Citus, wherever in it they are. */
function jobs(plan: any): any[] {
  if (plan === null || typeof plan !== 'object') return [];
  return [...(plan['Job'] ? [plan['Job']] : []), ...Object.values(plan).flatMap(jobs)];
}

/** @returns the cost of a statement, of its second run on this connection */
export async function costOf(client: postgres.Sql, text: string, params: readonly unknown[]): Promise<Cost> {
  const explain = async () =>
    ((await client.unsafe(`explain (analyze, buffers, format json) ${text}`, params as any[])) as any)[0][
      'QUERY PLAN'
    ][0];
  await explain(); // The first one sets hint bits, and fills the caches of the catalog.
  const found = await explain();
  const asked = jobs(found['Plan']);
  const remote = asked.flatMap((it) => it['Tasks']).map((it) => it['Remote Plan'].flat(2)[0]['Plan']);
  return {
    buffers: asked.length === 0 ? blocks(found['Plan']) : remote.map(blocks).reduce((a, b) => a + b, 0),
    planning: blocks(found['Planning']),
    tasks: asked.map((it) => it['Task Count']).reduce((a, b) => a + b, 0),
  };
}
