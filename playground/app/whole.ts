/**
 * A tenant as a whole: Acme is exported, erased, and imported as Dora. In a database of its own, so that the rest of
 * the page keeps its Acme; each time, it begins as it was.
 */
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { connect, type Database } from '../database.js';
import type { Databases } from '../databases.js';
import { account } from '../schema.js';
import { seed, tenants } from '../seed.js';

export interface Step {
  readonly title: string;
  readonly code: string;
  /** What came of it, in a line. */
  readonly says: string;
  /** Rows of each table, by tenant, when it was done. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

export interface Whole {
  move(): Promise<readonly Step[]>;
}

export function wholeTenants(databases: Databases): Whole {
  let opened: Promise<Database> | undefined;
  const open = async () => {
    const db = connect(await databases.createAnother());
    await seed(db, tenants);
    return db;
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One after the other: there is one Acme.
    move: () => {
      const moved = last.then(async () =>
        move(await (opened ??= open().catch((error) => ((opened = undefined), Promise.reject(error))))),
      );
      last = moved.catch(() => {});
      return moved;
    },
  };
}

async function move(db: Database): Promise<Step[]> {
  const [acme] = tenants;
  const dora = account.parse(randomUUID());
  const named = [...tenants.map(({ id, name }) => [name, id] as const), ['Dora', dora] as const];
  const rows = async () => {
    const counts = await Promise.all(
      named.map(async ([name, id]) => [name, (await db.tenantData(id).count()).tables] as const),
    );
    return counts[0]![1].map(({ table }, i) => ({
      table: table.replace(/^\w+\./, ''),
      ...Object.fromEntries(counts.map(([name, tables]) => [name, tables[i]!.rows])),
    }));
  };
  const data = db.tenantData(acme!.id);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data.export()) chunks.push(chunk);
  const file = Buffer.concat(chunks);
  try {
    const lines = gunzipSync(file).toString().trimEnd().split('\n').length;
    const exported: Step = {
      title: 'Export Acme',
      code: "await pipeline(db.tenantData(acme).export(), createWriteStream('acme.ndjson.gz'));",
      says:
        `${file.length.toLocaleString('en')} bytes, ${lines} lines: a head, every row of Acme, the countries ` +
        'that they point at, and a digest for each table.',
      rows: await rows(),
    };
    const { proof } = await data.erase({ reason: 'moves out' });
    const erased: Step = {
      title: 'Erase it',
      code: "const { proof } = await db.tenantData(acme).erase({ reason: 'moves out' });",
      says:
        `Counted afterwards: ${proof.length} tables, by the schema and by the database's own catalog. ` +
        `${proof.every((it) => it.rows === 0) ? 'None has a row of Acme.' : 'Rows remain.'}`,
      rows: await rows(),
    };
    await data.import([file], { as: dora });
    const imported: Step = {
      title: 'Import it as Dora',
      code: "await db.tenantData(acme).import(createReadStream('acme.ndjson.gz'), { as: dora });",
      says:
        'The tenant column changed, and nothing else: every key of a tenant table holds it. ' +
        'The others were not touched.',
      rows: await rows(),
    };
    return [exported, erased, imported];
  } finally {
    await db.tenantData(dora).erase({ reason: 'begin again', allowEmpty: true });
    await data.import([file], { into: 'replace' });
  }
}
