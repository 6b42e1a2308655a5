/**
 * Round trips at random: schemas and rows as the soak draws them. Export, erase, import, compare; and under another id.
 */
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api-postgres';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { describe, expect, inject, test } from 'vitest';
import { withTenancy } from '../../src/index.js';
import { drawSchema, poolSize } from '../random/draw-schema.js';
import { loadSchema } from '../random/load-schema.js';
import { referenceRows, tenantRows } from '../random/rows.js';
import { bytesOf, contentsOf } from './support.js';

const seed = Number(process.env.DATA_SEED ?? 1 + (Date.now() % 100_000));

describe(`DATA_SEED=${seed}`, { timeout: 60_000 }, () => {
  test.each(Array.from({ length: poolSize }, (_, i) => i))('schema %i', async (n) => {
    const spec = drawSchema(seed, n);
    const schema = loadSchema(spec);
    const { relations, ...entities } = schema;
    const name = `data_random_${process.pid}_${n}`;
    const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
    await admin.unsafe(`create database ${name}`);
    const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
    const maker = postgres(url, { max: 1, onnotice: () => {} });
    const client = postgres(url, { max: 2, onnotice: () => {} });
    try {
      for (const it of await generateMigration(await generateDrizzleJson({}), await generateDrizzleJson(entities)))
        await maker.unsafe(it);
      await maker.unsafe(referenceRows(spec));
      for (const [tenancy] of spec.tenancies.entries())
        for (let tenant = 0; tenant < 2; tenant++) await maker.unsafe(tenantRows(spec, seed, tenancy, tenant).sql);
      const views = spec.tables.filter((it) => it.kind === 'materialized view').map((it) => it.sqlName);
      const refresh = async () => {
        for (const it of views) await maker.unsafe(`refresh materialized view ${it}`);
      };
      await refresh();
      const db = withTenancy(drizzle({ client }), { relations });
      const place = { run: (text: string) => client.unsafe(text) as any };
      for (const [i, tenancySpec] of spec.tenancies.entries()) {
        const tenancy = schema[tenancySpec.name];
        const tables = spec.tables
          .filter((it) => ['root', 'tenant', 'link'].includes(it.kind))
          .map((it) => [it.sqlName, it.columns.find((column) => column.key === it.tenantKey)!.name] as const);
        const [own, , third] = tenancySpec.ids.map((it) => tenancy.parse(new Function(`return ${it}`)()));
        const before = await contentsOf(place, tables);
        const data: any = db.tenantData(own, { tenancy });
        const exported = await bytesOf(data.export());
        // A clone first: the same rows under the third id, equal but for it.
        await data.cloneTo(third);
        expect(await data.compare(db, { as: third })).toMatchObject({ isEqual: true });
        await (db.tenantData(third, { tenancy }) as any).erase({ reason: 'test', batch: 3 });
        expect(await contentsOf(place, tables)).toEqual(before);

        const record = await data.erase({ reason: 'test', batch: 3 });
        expect(record.proof.reduce((sum: number, it: any) => sum + it.rows, 0)).toBe(0);
        const rest = await contentsOf(place, tables);
        const gone = Object.keys(before).filter((it) => !(it in rest));
        expect(gone.length).toBe(1);
        expect({ ...rest, [gone[0]!]: before[gone[0]!] }).toEqual(before);
        const imported = await data.import([exported]);
        expect(
          imported.tables.reduce((sum: number, it: any) => sum + it.rows, 0),
          `tenancy ${i}`,
        ).toBe(before[gone[0]!]!.length);
        expect(await contentsOf(place, tables)).toEqual(before);
      }
    } finally {
      await Promise.all([maker.end(), client.end()]);
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.end();
    }
  });
});
