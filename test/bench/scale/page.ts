/** The tables and plots of `docs/scale.md`, from the figures. What people wrote around them stays. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { questions } from '../tenants.js';
import { read, type Found } from './figures.js';
import type { Sent } from './messages.js';
import { svg, type Series } from './plot.js';
import type { Among } from './tenants.js';

const number = (it: number) => it.toLocaleString('en');
const mega = (bytes: number, least = 0.1) =>
  bytes < least * 1e6 ? `under ${least} MB` : `${(bytes / 1e6).toFixed(1)} MB`;
/** Of a heap less than a megabyte cannot be told from what a runtime does besides. */
const heap = (bytes: number) => mega(bytes, 1);
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [
    head,
    head.map((_, i) => (i === 0 ? '---' : '---:')),
    ...rows.map((row) => row.map((it) => (typeof it === 'number' ? number(it) : it))),
  ]
    .map((it) => `| ${it.join(' | ')} |`)
    .join('\n');
const names = questions.map(([it]) => it);
const times = (last: number, first: number) => (last / Math.max(1, first)).toFixed(1);

function growth(among: readonly Among[], asWritten = false): string[][] {
  return names.map((name) => {
    const values = among.map((it) => (asWritten ? it.asWritten! : it.costs)[name]!.buffers);
    return [name, ...values.map(number), times(Math.max(...values), values[0]!)];
  });
}

const lines = (among: readonly Among[], x: (it: Among) => number, dashed = false): Series[] =>
  names.map((name, color) => ({
    ...(dashed ? {} : { name }),
    color,
    isDashed: dashed,
    points: among.map((it) => [x(it), (dashed ? it.asWritten! : it.costs)[name]!.buffers] as const),
  }));

/** @returns what stands between the marks of each name, and each file beside the page */
function render(found: Found): { sections: Record<string, string>; plots: Record<string, string> } {
  const sections: Record<string, string> = {};
  const plots: Record<string, string> = {};
  const { postgres, rows, messages, tables, statements, citusMessages, shards, connections } = found;
  const said = (it: { day: string; server: string }) => `\n\n${it.server}, ${it.day}.`;

  if (postgres) {
    const tenants = postgres.found;
    const head = ['question', ...tenants.map((it) => number(it.tenants)), 'at most, times the first'];
    sections['tenants'] =
      `Indexes that begin with the tenant column:\n\n${table(head, growth(tenants))}\n\nIndexes ` +
      `as written, over everybody's rows:\n\n${table(head, growth(tenants, true))}${said(postgres)}`;
    plots['scale-tenants.svg'] = svg({
      title: 'Buffers of a question against the number of tenants, on PostgreSQL',
      x: 'tenants',
      y: 'buffers of one question; dashed: indexes as written',
      series: [...lines(tenants, (it) => it.tenants), ...lines(tenants, (it) => it.tenants, true)],
    });
  }
  const clusters = (['citus2', 'citus3'] as const).flatMap((it) => {
    const part = found[it];
    return part ? [{ workers: it === 'citus2' ? 'two' : 'three', ...part }] : [];
  });
  if (clusters.length > 0) {
    sections['citus'] = clusters
      .map((it) => {
        const tasks = Math.max(...it.found.flatMap((one) => Object.values(one.costs).map((cost) => cost.tasks)));
        const planning = Math.max(...it.found.flatMap((one) => Object.values(one.costs).map((cost) => cost.planning)));
        const head = ['question', ...it.found.map((one) => number(one.tenants)), 'at most, times the first'];
        return (
          `With ${it.workers} workers; each question asked ${tasks} shard, ` +
          `and planning it touched at most ${planning} buffers of the ` +
          `coordinator:\n\n${table(head, growth(it.found))}${said(it)}`
        );
      })
      .join('\n\n');
    const [first] = clusters;
    plots['scale-citus.svg'] = svg({
      title: 'Buffers of a question within its shard against the number of tenants, on Citus',
      x: 'tenants',
      y: `buffers of one question, on its worker of ${first!.workers}`,
      series: lines(first!.found, (it) => it.tenants),
    });
  }
  if (messages) {
    const columns = [
      { name: 'PostgreSQL: round trips', of: messages.found, read: (it: Sent) => String(it.roundTrips) },
      ...(citusMessages?.found ?? []).flatMap(({ workers, sent }) => [
        { name: `Citus, ${workers} workers: round trips`, of: sent, read: (it: Sent) => String(it.roundTrips) },
        { name: 'commands to workers', of: sent, read: (it: Sent) => `${it.commands} (to ${it.nodes})` },
      ]),
    ];
    sections['messages'] = table(
      ['what', ...columns.map((it) => it.name)],
      messages.found.map((sent, i) => [sent.what, ...columns.map((it) => it.read(it.of[i]!))]),
    );
  }
  if (rows) {
    const head = ['question', ...rows.found.map((it) => number(it.each)), 'at most, times the first'];
    sections['rows'] = `${table(head, growth(rows.found))}${said(rows)}`;
    plots['scale-rows.svg'] = svg({
      title: 'Buffers of a question against the rows of its tenant',
      x: 'projects of each of ten tenants',
      y: 'buffers of one question',
      series: lines(rows.found, (it) => it.each),
    });
  }
  if (tables)
    sections['tables'] = `${table(
      [
        'tables',
        'planning, first of a connection, buffers',
        'planning, afterwards',
        'one connection, on the server',
        'this library',
      ],
      tables.found.map((it) => [it.tables, it.firstPlanning, it.planning, mega(it.server), heap(it.library)]),
    )}${said(tables)}`;
  if (statements) {
    sections['statements'] = `${table(
      ['statements that differ', 'tenants', 'this library and postgres.js', 'prepared on a connection', 'there'],
      statements.found.map((it) => [it.statements, it.tenants, heap(it.client), it.prepared, mega(it.server)]),
    )}${said(statements)}`;
    const one = statements.found.filter((it) => it.tenants === 1);
    plots['scale-statements.svg'] = svg({
      title: 'Memory against the number of statements that differ',
      x: 'statements that differ',
      y: 'kB',
      series: [
        {
          name: 'this library and postgres.js',
          color: 0,
          points: one.filter((it) => it.client >= 1e6).map((it) => [it.statements, it.client / 1e3]),
        },
        { name: 'one connection, on the server', color: 1, points: one.map((it) => [it.statements, it.server / 1e3]) },
      ],
    });
  }
  if (shards) {
    sections['shards'] = `${table(
      [
        'tables',
        'shards of each',
        'placements',
        'planning, first of a connection, buffers',
        'planning, afterwards',
        'shards asked',
        'one connection: cache of shards',
        'one connection: all',
      ],
      shards.found.map((it) => [
        it.tables,
        it.shards,
        it.placements,
        it.firstPlanning,
        it.planning,
        it.tasks,
        mega(it.shardCache),
        mega(it.server),
      ]),
    )}${said(shards)}`;
    plots['scale-shards.svg'] = svg({
      title: 'Memory of one connection of the coordinator against the placements it knows',
      x: 'placements of the tables that it asked',
      y: 'kB of one connection',
      series: [
        { name: 'cache of shards', color: 0, points: points((it) => it.shardCache) },
        { name: 'all, with PostgreSQL’s own caches', color: 1, points: points((it) => it.server) },
      ],
    });
  }
  if (connections)
    sections['connections'] = `${table(
      ['workers', 'clients of the coordinator', 'kept on each worker for them', 'on each node, to look for deadlocks'],
      connections.found.map((it) => [it.workers, it.clients, it.kept, it.detection]),
    )}${said(connections)}`;
  function points(value: (it: { shardCache: number; server: number }) => number) {
    return [...shards!.found]
      .sort((a, b) => a.placements - b.placements)
      .map((it) => [it.placements, value(it) / 1e3] as const);
  }
  return { sections, plots };
}

/** @returns the page with what stands between `<!-- name -->` and `<!-- /name -->` replaced */
function fillIn(page: string, sections: Readonly<Record<string, string>>): string {
  let text = page;
  for (const [name, section] of Object.entries(sections)) {
    const [begin, end] = [`<!-- scale: ${name} -->`, `<!-- /scale: ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from)
      throw new Error(`docs/scale.md has no place for "${name}": put "${begin}" and "${end}" there.`);
    text = `${text.slice(0, from + begin.length)}\n${section}\n${text.slice(to)}`;
  }
  return text;
}

/** @returns what `docs` has to hold, by the name of the file: the page and its plots, from the figures that are kept */
export function files(root: string): Record<string, string> {
  const { sections, plots } = render(read(join(root, 'test/bench/scale.json')));
  return { 'scale.md': fillIn(readFileSync(join(root, 'docs/scale.md'), 'utf8'), sections), ...plots };
}
