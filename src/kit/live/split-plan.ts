/**
 * More shards, by cutting those that are there: Citus copies one shard at a time, while it is written to, and keeps the
 * tables. `alter_distributed_table` writes all of them anew, while writes wait, and drops what holds them.
 *
 * The parts go to the next node: on the same one, Citus 13 does not get along with an UPDATE while it copies, and waits
 * for ever ("publisher did not send replica identity column").
 */
import { literal, plain, quoted } from '../names.js';
import type { LiveTable } from './read.js';
import { endsOf } from '../shards.js';
import type { PlanStep } from './step.js';

/**
 * @param anchor a table of the group
 * @param beside the tables of the group, with it
 * @param nodes how many nodes take shards
 * @param isOnline whether rows are copied while they are written to, where that is to be had
 * @returns a step for each shard that is to be cut; undefined where the shards that are there have ends which those
 *   asked for do not have
 */
export function splitSteps(
  anchor: LiveTable,
  beside: readonly LiveTable[],
  shardCount: number,
  nodes: number,
  isOnline: boolean,
): PlanStep[] | undefined {
  const { ranges } = anchor;
  const ends = endsOf(shardCount);
  if (!ranges || ranges.length >= shardCount || !ranges.every(([, end]) => ends.includes(end))) return undefined;
  const keyless = beside.filter((it) => !it.keys.some((key) => key.kind === 'primary'));
  const why =
    keyless.length > 0 ? `${keyless.map(plain).join(', ')} has no primary key` : nodes < 2 ? 'there is one node' : '';
  const isLogical = isOnline && why === '';
  const waits = isLogical ? 'while it is written to' : `writes to it wait${isOnline ? `, since ${why}` : ''}`;
  const cut = ranges.flatMap(([begin, end]) => {
    const points = ends.filter((it) => begin <= it && it < end);
    return points.length > 0 ? [{ begin, end, points }] : [];
  });
  return cut.map(({ begin, end, points }, i) => {
    const places = Array.from({ length: points.length + 1 }, () => 'n.nodeid').join(', ');
    const place = isLogical
      ? 'n.shouldhaveshards AND n.isactive AND n.groupid <> p.groupid ORDER BY n.groupid > p.groupid DESC, n.groupid'
      : 'n.groupid = p.groupid';
    return {
      table: plain(anchor),
      what:
        `${plain(anchor)} and the tables beside it: shard ${i + 1} of ${cut.length} cut into ` +
        `${points.length + 1}, ${waits}`,
      // By its range: one that is cut already is not found.
      sql: [
        `SELECT citus_split_shard_by_split_points(s.shardid, ARRAY[${points.map((it) => `'${it}'`).join(', ')}],
          ARRAY[${places}], '${isLogical ? 'force_logical' : 'block_writes'}')
FROM pg_dist_shard s JOIN pg_dist_placement p USING (shardid), LATERAL (SELECT n.nodeid FROM pg_dist_node n
  WHERE n.noderole = 'primary' AND ${place} LIMIT 1) n
WHERE s.logicalrelid = ${literal(quoted(anchor))}::regclass AND s.shardminvalue = '${begin}'
  AND s.shardmaxvalue = '${end}'`,
      ],
      alone: true,
      rows: anchor.rows,
      bytes: anchor.bytes / ranges.length,
    };
  });
}
