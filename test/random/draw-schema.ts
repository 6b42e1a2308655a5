/** Draws a schema: tables of one or two tenancies with keys, links and views, as the text that declares them. */
import { drawRelations } from './draw-relations.js';
import { drawView } from './draw-view.js';
import { keyTypes, tenancyOf } from './key-types.js';
import { Draw, states, type ColumnSpec, type Kind, type LinkSpec, type SchemaSpec, type TableSpec } from './spec.js';

type Maker = 'plain' | 'schema' | 'creator';

const snake = (key: string) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A schema under construction. */
class Drawing {
  readonly tables: TableSpec[] = [];
  readonly links: LinkSpec[] = [];
  readonly before: string[] = [];

  constructor(
    readonly draw: Draw,
    readonly n: number,
  ) {}

  maker(): Maker {
    return this.draw.of<Maker>(['plain', 'schema', 'creator']);
  }

  column(maker: Maker, key: string, kind: Kind, type: string, more: Partial<ColumnSpec> = {}): ColumnSpec {
    return { key, name: maker === 'creator' ? snake(key) : key, kind, type, ...more };
  }

  add(
    maker: Maker,
    spec: Omit<TableSpec, 'sqlName' | 'source' | 'inSchema'>,
    lines: readonly string[],
    extra: readonly string[],
  ): TableSpec {
    const { n } = this;
    const isReference = spec.kind === 'reference';
    const called = snake(spec.name);
    const [make, given, sqlName] =
      maker === 'plain'
        ? [isReference ? 'referenceTable' : 'tenantTable', `r${n}_${called}`, `"r${n}_${called}"`]
        : maker === 'schema'
          ? [`tenantSchema(schema${n})${isReference ? '.referenceTable' : '.table'}`, called, `"r${n}"."${called}"`]
          : [
              `tenantTableCreator((name) => 'r${n}_' + name, ` +
                `'snake_case')${isReference ? '.referenceTable' : '.table'}`,
              called,
              `"r${n}_${called}"`,
            ];
    const listed = (all: readonly string[]) => all.map((line) => `  ${line},\n`).join('');
    const table: TableSpec = {
      ...spec,
      sqlName,
      inSchema: maker === 'schema',
      source:
        `const ${spec.name} = ${make}('${given}', ` +
        `{\n${listed(lines)}}${extra.length > 0 ? `, (t) => [\n${listed(extra)}]` : ''});`,
    };
    this.tables.push(table);
    return table;
  }

  reference(name: string): TableSpec {
    const maker = this.maker();
    const columns = [
      this.column(maker, 'id', 'key integer', 'integer().primaryKey()', { notNull: true }),
      this.column(maker, 'label', 'text', 'text().notNull()', { notNull: true }),
      this.column(maker, 'rank', 'int', 'integer()'),
      this.column(maker, 'code', 'text', 'text().unique()', { unique: true }),
    ];
    return this.add(
      maker,
      { name, kind: 'reference', columns, key: ['id'] },
      columns.map((it) => `${it.key}: ${it.type}`),
      [],
    );
  }

  root(name: string, tenancy: number, tenancyName: string, reference: TableSpec | undefined): TableSpec {
    const maker = this.maker();
    const columns = [
      this.column(maker, 'id', `tenant ${tenancy}`, `${tenancyName}.id().primaryKey()`, { notNull: true }),
      this.column(maker, 'label', 'text', 'text().notNull()', { notNull: true }),
      this.column(maker, 'points', 'int', 'integer()'),
    ];
    if (reference)
      columns.push(
        this.column(maker, 'placeId', 'key integer', `integer().references(() => ${reference.name}.id)`, {
          to: reference.name,
        }),
      );
    const table = this.add(
      maker,
      { name, kind: 'root', tenancy, tenantKey: 'id', columns, key: [] },
      columns.map((it) => `${it.key}: ${it.type}`),
      [],
    );
    if (reference) this.links.push({ from: name, fromKeys: ['placeId'], to: reference.name, toKeys: ['id'] });
    return table;
  }

  /** A table of a tenancy. `parents` are those it may point at; `shape` goes round the kinds of keys. */
  tenant(
    name: string,
    tenancy: number,
    tenancyName: string,
    root: TableSpec,
    parents: readonly TableSpec[],
    reference: TableSpec | undefined,
    shape: number,
  ): TableSpec {
    const { draw } = this;
    const maker = this.maker();
    const column = (key: string, kind: Kind, type: string, more?: Partial<ColumnSpec>) =>
      this.column(maker, key, kind, type, more);
    const tenantKey = draw.of(['accountId', 'owner', 'tenant']);
    const named = draw.chance(0.4) ? 'belongs_to' : undefined;
    const toRoot = draw.chance(0.5) ? `.references(() => ${root.name}.id, { onDelete: 'cascade' })` : '';
    const tenant = {
      ...column(tenantKey, `tenant ${tenancy}`, `${tenancyName}.id(${named ? `'${named}'` : ''})${toRoot}`, {
        notNull: true,
      }),
    };
    const columns: ColumnSpec[] = [named ? { ...tenant, name: named } : tenant];
    const extra: string[] = [];

    const keyKind = (['key integer', 'key uuid', 'key text', 'key bigint', 'composite'] as const)[shape % 5]!;
    const types: Record<string, string> = {
      'key integer': 'integer()',
      'key uuid': 'uuid()',
      'key text': 'text()',
      'key bigint': "bigint({ mode: 'number' })",
    };
    let key = ['id'];
    if (keyKind === 'composite') {
      key = ['day', 'slot'];
      columns.push(
        column('day', 'key integer', 'integer().notNull()', { notNull: true }),
        column('slot', 'key text', 'text().notNull()', { notNull: true }),
      );
      extra.push(`primaryKey({ columns: [${draw.chance(0.5) ? `t.${tenantKey}, ` : ''}t.day, t.slot] })`);
    } else columns.push(column('id', keyKind, `${types[keyKind]!}.primaryKey()`, { notNull: true }));
    if (draw.chance(0.4)) columns.reverse();

    columns.push(column('label', 'text', 'text().notNull()', { notNull: true }));
    columns.push(column('points', 'int', 'integer()'));
    columns.push(column('done', 'bool', 'boolean().notNull().default(false)', { notNull: true, made: 'default' }));
    if (shape % 2 === 0)
      columns.push(
        column('state', 'enum', `state${this.n}().notNull().default('open')`, { notNull: true, made: 'default' }),
      );
    if (shape % 3 !== 1) columns.push(column('tags', 'array', 'text().array()'));
    if (shape % 3 !== 2) columns.push(column('meta', 'json', 'jsonb()'));
    if (draw.chance(0.5)) columns.push(column('amount', 'numeric', 'numeric()'));
    if (draw.chance(0.5)) columns.push(column('at', 'time', "timestamp({ mode: 'string' })"));
    if (draw.chance(0.3))
      columns.push(column('slug', 'text', 'text().generatedAlwaysAs(sql`lower("label")`)', { made: 'generated' }));
    if (draw.chance(0.25))
      columns.push(
        column('seq', 'int', 'integer().generatedByDefaultAsIdentity()', { made: 'identity', notNull: true }),
      );
    if (draw.chance(0.25))
      columns.push(column('touched', 'int', 'integer().$onUpdate(() => sql`7`)', { made: 'onUpdate' }));
    if (draw.chance(0.25)) columns.push(column('note', 'text', "text().$defaultFn(() => 'made')", { made: 'default' }));
    if (shape % 2 === 0) columns.push(column('code', 'text', 'text().unique()', { unique: true }));
    else {
      columns.push(column('code', 'text', 'text()', { unique: true }));
      extra.push(draw.chance(0.5) ? 'uniqueIndex().on(t.code)' : 'unique().on(t.code)');
    }
    if (draw.chance(0.5)) extra.push(`check('r${this.n}_${snake(name)}_points', sql\`\${t.points} < 100\`)`);

    for (const parent of parents) {
      const fks = parent.key.map((it) => {
        const { kind, type } = parent.columns.find((column) => column.key === it)!;
        const base =
          parent.key.length === 1 ? `${parent.name}Id` : `${parent.name}${it[0]!.toUpperCase()}${it.slice(1)}`;
        return { fk: base, kind, type: type.replace(/\.primaryKey\(\)|\.notNull\(\)/g, '') };
      });
      const notNull = draw.chance(0.4);
      const action = draw.chance(0.5) ? ", { onDelete: 'cascade' }" : '';
      for (const { fk, kind, type } of fks) {
        const inline = fks.length === 1 ? `.references(() => ${parent.name}.id${action})` : '';
        columns.push(column(fk, kind, `${type}${notNull ? '.notNull()' : ''}${inline}`, { to: parent.name, notNull }));
      }
      if (fks.length > 1) {
        const withTenant = draw.chance(0.5);
        const own = [...(withTenant ? [tenantKey] : []), ...fks.map((it) => it.fk)].map((it) => `t.${it}`);
        const theirs = [...(withTenant ? [parent.tenantKey!] : []), ...parent.key].map((it) => `${parent.name}.${it}`);
        extra.push(`foreignKey({ columns: [${own.join(', ')}], foreignColumns: [${theirs.join(', ')}] })`);
      }
      this.links.push({ from: name, fromKeys: fks.map((it) => it.fk), to: parent.name, toKeys: parent.key });
    }
    if (key.length === 1 && shape % 2 === 0) {
      const { kind, type } = columns.find((it) => it.key === 'id')!;
      columns.push(column('parentId', kind, type.replace('.primaryKey()', ''), { to: name }));
      extra.push('foreignKey({ columns: [t.parentId], foreignColumns: [t.id] })');
      this.links.push({ from: name, fromKeys: ['parentId'], to: name, toKeys: ['id'] });
    }
    if (reference && draw.chance(0.6)) {
      columns.push(
        column('placeId', 'key integer', `integer().references(() => ${reference.name}.id)`, { to: reference.name }),
      );
      this.links.push({ from: name, fromKeys: ['placeId'], to: reference.name, toKeys: ['id'] });
    }
    return this.add(
      maker,
      { name, kind: 'tenant', tenancy, tenantKey, columns, key },
      columns.map((it) => `${it.key}: ${it.type}`),
      extra,
    );
  }

  /** The table between two others, whose key is theirs. */
  link(name: string, tenancy: number, tenancyName: string, [left, right]: readonly [TableSpec, TableSpec]): TableSpec {
    const maker = this.maker();
    const ends = [left, right].map((end) => {
      const { kind, type } = end.columns.find((it) => it.key === 'id')!;
      return this.column(
        maker,
        `${end.name}Id`,
        kind,
        `${type.replace('.primaryKey()', '')}.notNull().references(() => ${end.name}.id, { onDelete: 'cascade' })`,
        { to: end.name, notNull: true },
      );
    });
    const columns = [
      this.column(maker, 'accountId', `tenant ${tenancy}`, `${tenancyName}.id()`, { notNull: true }),
      ...ends,
      this.column(maker, 'label', 'text', "text().notNull().default('member')", { notNull: true, made: 'default' }),
      this.column(maker, 'points', 'int', 'integer()'),
    ];
    for (const [i, end] of [left, right].entries())
      this.links.push({ from: name, fromKeys: [ends[i]!.key], to: end.name, toKeys: ['id'] });
    const key = ends.map((it) => it.key);
    return this.add(
      maker,
      { name, kind: 'link', tenancy, tenantKey: 'accountId', columns, key },
      columns.map((it) => `${it.key}: ${it.type}`),
      [`primaryKey({ columns: [${key.map((it) => `t.${it}`).join(', ')}] })`],
    );
  }
}

/** How many schemas make a pool: each type of key is the first tenancy's of one of them. */
export const poolSize = keyTypes.length;

/**
 * @param seed of the pool
 * @param n which schema of it; each type of key, and one tenancy or two, come round by it
 */
export function drawSchema(seed: number, n: number): SchemaSpec {
  const draw = new Draw(seed * 31 + n);
  const drawing = new Drawing(draw, n);
  const first = tenancyOf('account', n, `${n}`, n);
  const tenancies = n % 2 === 0 ? [first] : [first, tenancyOf('workspace', n + 4, `${n}b`, n)];
  const place = drawing.reference('places');

  const account = drawing.root('accounts', 0, 'account', draw.chance(0.7) ? place : undefined);
  const shape = draw.below(5);
  const people = drawing.tenant('people', 0, 'account', account, [], place, shape);
  const projects = drawing.tenant('projects', 0, 'account', account, [people], place, shape + 1);
  const tasks = drawing.tenant(
    'tasks',
    0,
    'account',
    account,
    draw.chance(0.5) ? [projects, people] : [projects],
    place,
    shape + 2,
  );
  drawing.tenant('notes', 0, 'account', account, [tasks], undefined, shape + 3);
  const single = [people, projects, tasks].filter((it) => it.key.length === 1);
  drawing.link('members', 0, 'account', [single[0]!, single[1]!]);
  if (tenancies.length > 1) {
    const workspace = drawing.root('workspaces', 1, 'workspace', place);
    const boards = drawing.tenant('boards', 1, 'workspace', workspace, [], place, draw.below(4));
    const cards = drawing.tenant('cards', 1, 'workspace', workspace, [boards], undefined, draw.below(4));
    drawing.link('boardCards', 1, 'workspace', [boards, cards]);
  }
  const views = drawing.tables
    .filter((it) => it.kind === 'tenant')
    .flatMap((table, i) => (i % 2 === 0 || draw.chance(0.3) ? [drawView(drawing, table, i)] : []));
  drawing.tables.push(...views.map((it) => it.table));
  drawing.links.push(...views.flatMap((it) => it.links));
  const { tables, links } = drawing;
  const relations = drawRelations(tables, links);
  const enums = tenancies.flatMap((it) => it.enumName ?? []);
  const usesSchema = tables.some((it) => it.inSchema);
  const names = [`state${n}`, ...enums, ...(usesSchema ? [`schema${n}`] : []), ...tables.map((it) => it.name)];
  const source = [
    `const state${n} = pgEnum('r${n}_state', [${states.map((it) => `'${it}'`).join(', ')}]);`,
    ...(usesSchema ? [`const schema${n} = pgSchema('r${n}');`] : []),
    ...tenancies.flatMap((it) => (it.before ? [it.before] : [])),
    ...tenancies.map((it) => it.declaration),
    ...tables.map((it) => it.source),
    `const relations = defineTenantRelations({ ${tables.map((it) => it.name).join(', ')} }, (r) => ({\n${tables
      .map((it) => {
        const own = relations.filter((relation) => relation.table === it.name);
        return own.length === 0
          ? ''
          : `  ${it.name}: {\n${own.map((relation) => `    ${relation.name}: ${relation.source},\n`).join('')}  },\n`;
      })
      .join('')}}));`,
  ].join('\n');
  return {
    index: n,
    tenancies,
    tables,
    links,
    relations,
    source,
    names: [...names, ...tenancies.map((it) => it.name), 'relations'],
  };
}
