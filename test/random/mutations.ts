/** Each place that confines a statement, and how it is switched off. What is to be replaced has to be there exactly once. */
export interface Mutation {
  readonly file: string;
  readonly place: string;
  readonly from: string;
  readonly to: string;
  /** Why the comparison cannot see it; it is looked for in the tests named here. */
  readonly elsewhere?: string;
}

const scope = 'src/scope/scope.ts';
const dialect = 'src/scope/dialect.ts';
const template = 'src/scope/template.ts';
const insert = 'src/scope/insert.ts';
const session = 'src/scope/session.ts';
const database = 'src/scope/database.ts';
const raw = 'src/scope/raw.ts';
const text = 'src/scope/sql-text.ts';
const relations = 'src/schema/relations.ts';

export const mutations: readonly Mutation[] = [
  // The predicate itself.
  { file: scope, place: 'predicate of one tenant', from: 'return new SQL([tenantColumn(table, found, name), equals, new Param(this.reach.id, found.column)]);', to: 'return undefined;' },
  { file: scope, place: 'predicate of several tenants', from: 'return sql`${tenantColumn(table, found, name)} in ${this.reach.ids.map((id) => new Param(id, found.column))}`;', to: 'return undefined;' },
  { file: scope, place: 'the tenant column in a join', from: "if (found.kind === 'reference' || !this.filters || this.reach.kind === 'one') return undefined;", to: 'return undefined;' },
  { file: scope, place: 'rows of a derived table', from: 'return predicate && new SQL([rowsFrom, original ?? name!, where, predicate]);', to: 'return undefined;' },
  { file: scope, place: 'tables without a class', from: 'if (!found) {', to: "if (!found) return { kind: 'reference', validate: () => {} };\n    if (!found) {" },
  { file: scope, place: 'tenant tables through db.shared', from: "if (reach.kind === 'shared') {", to: "if (reach.kind === 'shared') return { kind: 'reference', validate: () => {} };\n    if (reach.kind === 'shared') {" },
  { file: scope, place: 'the tenant of a row', from: 'if (value !== undefined && idOf(value, found.tenancy) !== reach.id) {', to: 'if (value !== undefined) return value;\n      if (false) {' },
  { file: scope, place: 'the tenant of a row, of several', from: "if (id === undefined || (reach.kind === 'several' && !reach.ids.includes(id))) {", to: 'if (id === undefined) {' },
  { file: scope, place: 'queries of other handles', from: 'if (this === other) return true;', to: 'return true;' },
  { file: scope, place: 'queries of another tenant', from: "if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;", to: "if (a.kind === 'one') return b.kind === 'one';" },
  { file: scope, place: "queries of every tenant", from: "if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;", to: "if (a.kind === 'one') return b.kind !== 'one' || a.id === b.id;" },

  // SELECT and its joins.
  { file: dialect, place: 'FROM, CROSS and RIGHT JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: '' },
  { file: dialect, place: 'FROM only: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'from') where.push(predicate);" },
  { file: dialect, place: 'CROSS JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'cross') where.push(predicate);" },
  { file: dialect, place: 'RIGHT JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'right') where.push(predicate);" },
  { file: dialect, place: 'INNER and LEFT JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: 'on: [undefined,' },
  { file: dialect, place: 'LEFT JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: "on: [joinType === 'inner' ? predicate : undefined," },
  { file: dialect, place: 'INNER JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: "on: [joinType === 'left' ? predicate : undefined," },
  { file: dialect, place: 'LEFT JOIN: in WHERE instead of ON', from: "const isOn = joinType === 'inner' || joinType === 'left';", to: "const isOn = joinType === 'inner';" },
  { file: dialect, place: 'RIGHT JOIN: in ON instead of WHERE', from: "const isOn = joinType === 'inner' || joinType === 'left';", to: "const isOn = joinType !== 'from' && joinType !== 'cross';" },
  { file: dialect, place: 'left of a RIGHT or FULL JOIN: derived', from: "const isDerived = index < lastOuter || joinType === 'full';", to: "const isDerived = joinType === 'full';" },
  { file: dialect, place: 'left of a RIGHT JOIN: derived', from: "joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');", to: "joins.findLastIndex((join) => join.joinType === 'full');" },
  { file: dialect, place: 'left of a FULL JOIN: derived', from: "joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');", to: "joins.findLastIndex((join) => join.joinType === 'right');" },
  { file: dialect, place: 'right of a FULL JOIN: derived', from: "const isDerived = index < lastOuter || joinType === 'full';", to: 'const isDerived = index < lastOuter;' },
  { file: dialect, place: 'only the first outer join counts', from: 'joins.findLastIndex((join)', to: 'joins.findIndex((join)' },
  { file: dialect, place: 'parentheses around WHERE', from: "['(', ')', ' and ', ' and ('].map(", to: "['', '', ' and ', ' and '].map(" },
  { file: dialect, place: 'the predicate where the user has a WHERE', from: 'if (!predicate) continue;', to: 'if (!predicate || given) continue;' },
  { file: dialect, place: 'a subquery in FROM', from: 'if (is(source, Subquery)) return this.subquery(source);', to: 'if (is(source, Subquery)) return source;' },
  { file: dialect, place: 'SQL in FROM', from: "if (is(source, SQL)) return this.scoped(source, index < 0 ? 'source' : 'joined source');", to: 'if (is(source, SQL)) return source;' },
  { file: dialect, place: 'fields', from: 'fieldsFlat: this.fields(config.fieldsFlat),', to: 'fieldsFlat: config.fieldsFlat,' },
  { file: dialect, place: 'HAVING', from: 'having: this.where([], config.having),', to: 'having: config.having,' },
  { file: dialect, place: 'ORDER BY', from: 'orderBy: this.list(config.orderBy),\n      groupBy', to: 'orderBy: config.orderBy,\n      groupBy' },
  { file: dialect, place: 'GROUP BY', from: 'groupBy: this.groupBy(this.list(config.groupBy),', to: 'groupBy: this.groupBy(config.groupBy,' },
  { file: dialect, place: 'DISTINCT ON', from: "typeof config.distinct === 'object' ? { on: this.list(config.distinct.on) } : config.distinct", to: 'config.distinct' },
  { file: dialect, place: 'set operators', from: 'config.setOperators.map((operator: Config) => this.operand(operator)),', to: 'config.setOperators,' },
  { file: dialect, place: 'CTEs', from: 'const scoped = template.query(query);', to: 'const scoped = query;' },

  // Writes.
  { file: dialect, place: 'UPDATE: WHERE', from: 'where: this.where([this.scope.predicate(config.table, found), ...where], config.where),', to: 'where: this.where(where, config.where),' },
  { file: dialect, place: 'UPDATE: FROM', from: 'where: this.where([this.scope.predicate(config.table, found), ...where], config.where),', to: 'where: this.where([this.scope.predicate(config.table, found)], config.where),' },
  { file: dialect, place: 'UPDATE: RETURNING', from: "where: this.where([this.scope.predicate(config.table, found), ...where], config.where),\n      returning: this.fields(config.returning),", to: "where: this.where([this.scope.predicate(config.table, found), ...where], config.where),\n      returning: config.returning," },
  { file: dialect, place: 'UPDATE: SET', from: "if (given !== undefined) result[key] = this.scoped(given, 'value');", to: 'if (given !== undefined) result[key] = given;' },
  { file: dialect, place: 'UPDATE: the tenant column', from: 'if (given !== undefined && !isSame) throw new ImmutableTenantError(nameOf(table), found.name);\n        continue;', to: '' },
  { file: dialect, place: 'DELETE: WHERE', from: 'where: this.where([this.scope.predicate(config.table, found)], config.where),', to: 'where: this.where([], config.where),' },
  { file: dialect, place: 'DELETE: RETURNING', from: "where: this.where([this.scope.predicate(config.table, found)], config.where),\n      returning: this.fields(config.returning),", to: "where: this.where([this.scope.predicate(config.table, found)], config.where),\n      returning: config.returning," },
  { file: dialect, place: 'INSERT: RETURNING', from: "onConflict: this.scoped(config.onConflict, 'conflict'),\n      returning: this.fields(config.returning),", to: "onConflict: this.scoped(config.onConflict, 'conflict'),\n      returning: config.returning," },
  { file: dialect, place: 'INSERT: ON CONFLICT', from: "onConflict: this.scoped(config.onConflict, 'conflict'),", to: 'onConflict: config.onConflict,' },
  { file: dialect, place: 'INSERT: values', from: "return text ? this.scoped(text, 'value') : value;", to: 'return value;' },
  { file: dialect, place: 'INSERT ... SELECT: the tenant', from: 'const column = sql`${tenant}::${sql.raw(found.column.getSQLType())}`.as(found.name);', to: 'const column = config.fields[found.key] ?? sql`${tenant}::${sql.raw(found.column.getSQLType())}`.as(found.name);' },
  { file: dialect, place: 'INSERT ... SELECT: a query of no handle', from: 'if (builtBy(query?.getSQL?.())?.scope === undefined || !config?.fields) {', to: 'if (false) {', elsewhere: 'the query is scoped as text even so: test/isolation/09-writes.test.ts' },
  { file: dialect, place: 'writes of reference tables', from: "if (found.kind === 'reference' && this.scope.reach.kind !== 'shared') {", to: 'if (false) {' },
  { file: dialect, place: 'aliases in DELETE', from: "if (statement !== 'update' && namesOf(table)[1] !== namesOf(table)[2]) {", to: 'if (false) {' },
  { file: dialect, place: 'refreshed views', from: "if (this.scope.reach.kind !== 'all') {", to: 'if (false) {' },
  { file: insert, place: 'conflict targets', from: 'return { ...config, target: [table[(Table as any).Symbol.Columns][found.key], ...target] };', to: 'return config;' },

  // Relational queries, and text.
  { file: dialect, place: 'relational queries', from: "return { sql: statement.done(statement.scoped(query, 'statement')), selection };", to: 'return { sql: statement.done(query), selection };' },
  { file: relations, place: 'relations: the tenant column of each', from: 'for (const [field, relation] of Object.entries<any>(relations)) carryTenant(name, field, table, relation, config);', to: '' },
  { file: template, place: 'plain names in a relational query', from: 'if (schema) {\n          if (schema.out', to: 'if (true) return;\n        if (schema) {\n          if (schema.out' },
  { file: template, place: 'tables in a template', from: "out[at] = this.#source(table, use === 'source');", to: 'void use;' },
  { file: template, place: 'tables in a template are admitted', from: 'template.scope.admit(chunk as object);', to: '' },
  { file: template, place: 'a query built for another tenant', from: 'if (!this.scope.includes(known.scope)) {', to: 'if (false) {' },
  { file: template, place: 'queries that nobody built', from: "if (!known) return this.scoped(query, 'statement');", to: 'if (!known) return query;' },
  { file: template, place: 'text that is not understood goes unproved', from: 'out.push(unread(chunk));', to: 'out.push(chunk);' },
  { file: text, place: 'a table written by hand', from: "throw refuse(i, type === 'word' || type === 'name' ? `the table \"${value}\" is written by hand` : 'a table is missing');", to: '' },
  { file: text, place: 'a second statement', from: "';': 'a second statement begins', ", to: '', elsewhere: 'the words in it are refused too' },

  // The last gate.
  { file: session, place: 'proof of what is not understood', from: 'if (!RenderedQuery.isProved(query)) return this.#proveFirst(query as RenderedQuery, prepare);', to: '' },
  { file: raw, place: 'the proof', from: 'const tables = await prover.prove({', to: 'const tables = []; void ({' },
  { file: session, place: 'statements that were not built here', from: 'if (!RenderedQuery.scopeOf(query)) {', to: 'if (false) {' },
  { file: database, place: 'the tenant of a prepared statement', from: 'const all: Record<string, unknown> = Object.assign({}, values);\n          all[tenantPlaceholder] = tenancy.parse(id);', to: 'const all: Record<string, unknown> = Object.assign({ [tenantPlaceholder]: tenancy.parse(id) }, values);', elsewhere: 'its name is a symbol that no application has' },
];
