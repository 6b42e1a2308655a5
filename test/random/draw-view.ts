/** Views over a tenant table: plain, joined, and materialized. */
import type { Draw, LinkSpec, TableSpec } from './spec.js';

interface Around {
  readonly draw: Draw;
  readonly n: number;
  readonly tables: readonly TableSpec[];
  readonly links: readonly LinkSpec[];
}

export function drawView(
  { draw, n, tables, links }: Around,
  table: TableSpec,
  i: number,
): { readonly table: TableSpec; readonly links: readonly LinkSpec[] } {
  const name = `${table.name}View`;
  const sqlName = `"r${n}_${table.name}_view"`;
  const tenant = table.columns.find((it) => it.key === table.tenantKey)!;
  const keys = table.key.map((key) => table.columns.find((it) => it.key === key)!);
  const pick = (key: string) => table.columns.find((it) => it.key === key)!;
  const base = { name, tenancy: table.tenancy!, tenantKey: table.tenantKey!, sqlName, inSchema: false };
  const toTable: LinkSpec = { from: name, fromKeys: table.key, to: table.name, toKeys: table.key };
  const of = (key: string) => `${table.name}.${key}`;

  if (i % 4 === 2) {
    // How many rows of a tenant share a label.
    return {
      table: {
        ...base,
        kind: 'materialized view',
        key: ['label'],
        columns: [tenant, { ...pick('label'), made: undefined }, { key: 'size', name: 'size', kind: 'int', type: '' }],
        source:
          `const ${name} = pgMaterializedView('r${n}_${table.name}_view').as((qb) => qb.select({ ` +
          `${tenant.key}: ${of(tenant.key)}, label: ${of('label')}, size: sql\`count(*)::int\`.as('size') ` +
          `}).from(unscoped(${table.name})).groupBy(${of(tenant.key)}, ${of('label')}));`,
      },
      links: [],
    };
  }
  const shout = { key: 'shout', name: 'shout', kind: 'text', type: '' } as const;
  const columns = [tenant, ...keys, pick('label'), pick('points'), pick('done')];
  const fields = columns.map((it) => `${it.key}: ${of(it.key)}`).join(', ');
  const parent = links.find(
    (it) =>
      it.from === table.name && it.to !== table.name && tables.some((to) => to.name === it.to && to.kind === 'tenant'),
  );
  if (parent && draw.chance(0.6)) {
    const to = tables.find((it) => it.name === parent.to)!;
    const on = [
      ...parent.fromKeys.map((key, at) => `eq(${of(key)}, ${to.name}.${parent.toKeys[at]!})`),
      `eq(${of(tenant.key)}, ${to.name}.${to.tenantKey!})`,
    ];
    return {
      table: {
        ...base,
        kind: 'view',
        key: table.key,
        columns: [...columns, shout],
        source:
          `const ${name} = pgView('r${n}_${table.name}_view').as((qb) => qb.select({ ${fields}, ` +
          `shout: sql\`upper(\${${to.name}.label})\`.as('shout') ` +
          `}).from(unscoped(${table.name})).leftJoin(unscoped(${to.name}), and(${on.join(', ')})));`,
      },
      links: [toTable],
    };
  }
  return {
    table: {
      ...base,
      kind: 'view',
      key: table.key,
      columns: [...columns, shout],
      source:
        `const ${name} = pgView('r${n}_${table.name}_view').as((qb) => qb.select({ ${fields}, ` +
        `shout: sql\`upper(\${${of('label')}})\`.as('shout') ` +
        `}).from(unscoped(${table.name})).where(eq(${of('done')}, false)));`,
    },
    links: [toTable],
  };
}
