/** Each place that confines a statement, and how it is switched off. What is to be replaced has to be in `src` exactly once. */
export interface Mutation {
  readonly place: string;
  readonly from: string;
  readonly to: string;
  /** Why the comparison cannot see it; it is looked for in the tests named here. */
  readonly elsewhere?: string;
}

export const mutations: readonly Mutation[] = [
  // The predicate itself.
  { place: 'predicate of one tenant', from: 'return new SQL([tenantColumn(table, found, name), equals, new Param(this.reach.id, found.column)]);', to: 'return undefined;' },
  { place: 'predicate of several tenants', from: 'return sql`${tenantColumn(table, found, name)} in ${this.reach.ids.map((id) => new Param(id, found.column))}`;', to: 'return undefined;' },
  { place: 'the tenant column in a join', from: "if (found.kind === 'reference' || !this.filters || this.reach.kind === 'one') return undefined;", to: 'return undefined;' },
  { place: 'rows of a derived table', from: 'return predicate && new SQL([rowsFrom, original ?? name!, where, predicate]);', to: 'return undefined;' },
  { place: 'tables without a class', from: 'if (!found) {', to: "if (!found) return { kind: 'reference', validate: () => {} };\n    if (!found) {" },
  { place: 'tenant tables through db.shared', from: "if (reach.kind === 'shared') {", to: "if (reach.kind === 'shared') return { kind: 'reference', validate: () => {} };\n    if (reach.kind === 'shared') {" },
  { place: 'the tenant of a row', from: 'if (value !== undefined && idOf(value, found.tenancy) !== reach.id) {', to: 'if (value !== undefined) return value;\n      if (false) {' },
  { place: 'the tenant of a row, of several', from: "if (id === undefined || (reach.kind === 'several' && !reach.ids.includes(id))) {", to: 'if (id === undefined) {' },
  { place: 'queries of other handles', from: 'if (this === other) return true;', to: 'return true;' },
  { place: 'queries of another tenant', from: "if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;", to: "if (a.kind === 'one') return b.kind === 'one';" },
  { place: "queries of every tenant", from: "if (a.kind === 'one') return b.kind === 'one' && a.id === b.id;", to: "if (a.kind === 'one') return b.kind !== 'one' || a.id === b.id;" },

  // SELECT and its joins.
  { place: 'FROM, CROSS and RIGHT JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: '' },
  { place: 'FROM only: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'from') where.push(predicate);" },
  { place: 'CROSS JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'cross') where.push(predicate);" },
  { place: 'RIGHT JOIN: WHERE', from: 'if (!isOn) where.push(predicate);', to: "if (!isOn && joinType !== 'right') where.push(predicate);" },
  { place: 'INNER and LEFT JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: 'on: [undefined,' },
  { place: 'LEFT JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: "on: [joinType === 'inner' ? predicate : undefined," },
  { place: 'INNER JOIN: ON', from: 'on: [isOn ? predicate : undefined,', to: "on: [joinType === 'left' ? predicate : undefined," },
  { place: 'LEFT JOIN: in WHERE instead of ON', from: "const isOn = joinType === 'inner' || joinType === 'left';", to: "const isOn = joinType === 'inner';" },
  { place: 'RIGHT JOIN: in ON instead of WHERE', from: "const isOn = joinType === 'inner' || joinType === 'left';", to: "const isOn = joinType !== 'from' && joinType !== 'cross';" },
  { place: 'left of a RIGHT or FULL JOIN: derived', from: "const isDerived = index < lastOuter || joinType === 'full';", to: "const isDerived = joinType === 'full';" },
  { place: 'left of a RIGHT JOIN: derived', from: "joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');", to: "joins.findLastIndex((join) => join.joinType === 'full');" },
  { place: 'left of a FULL JOIN: derived', from: "joins.findLastIndex((join) => join.joinType === 'right' || join.joinType === 'full');", to: "joins.findLastIndex((join) => join.joinType === 'right');" },
  { place: 'right of a FULL JOIN: derived', from: "const isDerived = index < lastOuter || joinType === 'full';", to: 'const isDerived = index < lastOuter;' },
  { place: 'only the first outer join counts', from: 'joins.findLastIndex((join)', to: 'joins.findIndex((join)' },
  { place: 'parentheses around WHERE', from: "['(', ')', ' and ', ' and ('].map(", to: "['', '', ' and ', ' and '].map(" },
  { place: 'the predicate where the user has a WHERE', from: 'if (!predicate) continue;', to: 'if (!predicate || given) continue;' },
  { place: 'a subquery in FROM', from: 'if (is(source, Subquery)) return this.subquery(source);', to: 'if (is(source, Subquery)) return source;' },
  { place: 'SQL in FROM', from: "if (is(source, SQL)) return this.scoped(source, index < 0 ? 'source' : 'joined source');", to: 'if (is(source, SQL)) return source;' },
  { place: 'fields', from: 'fieldsFlat: this.fields(config.fieldsFlat),', to: 'fieldsFlat: config.fieldsFlat,' },
  { place: 'HAVING', from: 'having: this.where([], config.having),', to: 'having: config.having,' },
  { place: 'ORDER BY', from: 'orderBy: this.list(config.orderBy),\n      groupBy', to: 'orderBy: config.orderBy,\n      groupBy' },
  { place: 'GROUP BY', from: 'groupBy: this.groupBy(this.list(config.groupBy),', to: 'groupBy: this.groupBy(config.groupBy,' },
  { place: 'DISTINCT ON', from: "typeof config.distinct === 'object' ? { on: this.list(config.distinct.on) } : config.distinct", to: 'config.distinct' },
  { place: 'set operators', from: 'config.setOperators.map((operator: Config) => this.operand(operator)),', to: 'config.setOperators,' },
  { place: 'CTEs', from: 'const scoped = template.query(query);', to: 'const scoped = query;' },

  // Writes.
  { place: 'UPDATE: WHERE', from: 'where: this.where([this.scope.predicate(config.table, found), ...where], config.where),', to: 'where: this.where(where, config.where),' },
  { place: 'UPDATE: FROM', from: 'where: this.where([this.scope.predicate(config.table, found), ...where], config.where),', to: 'where: this.where([this.scope.predicate(config.table, found)], config.where),' },
  { place: 'UPDATE: RETURNING', from: "where: this.where([this.scope.predicate(config.table, found), ...where], config.where),\n      returning: this.fields(config.returning),", to: "where: this.where([this.scope.predicate(config.table, found), ...where], config.where),\n      returning: config.returning," },
  { place: 'UPDATE: SET', from: "if (given !== undefined) result[key] = this.scoped(given, 'value');", to: 'if (given !== undefined) result[key] = given;' },
  { place: 'UPDATE: the tenant column', from: 'if (given !== undefined && !isSame) throw new ImmutableTenantError(nameOf(table), found.name);\n        continue;', to: '' },
  { place: 'DELETE: WHERE', from: 'where: this.where([this.scope.predicate(config.table, found)], config.where),', to: 'where: this.where([], config.where),' },
  { place: 'DELETE: RETURNING', from: "where: this.where([this.scope.predicate(config.table, found)], config.where),\n      returning: this.fields(config.returning),", to: "where: this.where([this.scope.predicate(config.table, found)], config.where),\n      returning: config.returning," },
  { place: 'INSERT: RETURNING', from: "onConflict: this.scoped(config.onConflict, 'conflict'),\n      returning: this.fields(config.returning),", to: "onConflict: this.scoped(config.onConflict, 'conflict'),\n      returning: config.returning," },
  { place: 'INSERT: ON CONFLICT', from: "onConflict: this.scoped(config.onConflict, 'conflict'),", to: 'onConflict: config.onConflict,' },
  { place: 'INSERT: values', from: "return text ? this.scoped(text, 'value') : value;", to: 'return value;' },
  { place: 'INSERT ... SELECT: the tenant', from: 'const column = sql`${tenant}::${sql.raw(found.column.getSQLType())}`.as(found.name);', to: 'const column = config.fields[found.key] ?? sql`${tenant}::${sql.raw(found.column.getSQLType())}`.as(found.name);' },
  { place: 'INSERT ... SELECT: a query of no handle', from: 'if (builtBy(query?.getSQL?.())?.scope === undefined || !config?.fields) {', to: 'if (false) {' },
  { place: 'writes of reference tables', from: "if (found.kind === 'reference' && this.scope.reach.kind !== 'shared') {", to: 'if (false) {' },
  { place: 'aliases in DELETE', from: "if (statement !== 'update' && namesOf(table)[1] !== namesOf(table)[2]) {", to: 'if (false) {' },
  { place: 'refreshed views', from: "if (this.scope.reach.kind !== 'all') {", to: 'if (false) {' },
  { place: 'conflict targets', from: 'return { ...config, target: [table[(Table as any).Symbol.Columns][found.key], ...target] };', to: 'return config;' },

  // Relational queries, and text.
  { place: 'relational queries', from: "return { sql: statement.done(statement.scoped(query, 'statement')), selection };", to: 'return { sql: statement.done(query), selection };' },
  { place: 'relations: the tenant column of each', from: 'for (const [field, relation] of Object.entries<any>(relations)) carryTenant(name, field, table, relation, config);', to: '' },
  { place: 'plain names in a relational query', from: 'if (schema) {\n          if (schema.out', to: 'if (true) return;\n        if (schema) {\n          if (schema.out' },
  { place: 'tables in a template', from: "out[at] = this.#source(table, use === 'source');", to: 'void use;' },
  { place: 'tables in a template are admitted', from: 'template.scope.admit(chunk as object);', to: '', elsewhere: 'where its rows are read it is admitted once more: test/isolation/07-templates.test.ts' },
  { place: 'a query built for another tenant', from: 'if (!this.scope.includes(known.scope)) {', to: 'if (false) {' },
  { place: 'queries that nobody built', from: "if (!known) return this.scoped(query, 'statement');", to: 'if (!known) return query;' },
  { place: 'text that is not understood goes unproved', from: 'out.push(unread(chunk));', to: 'out.push(chunk);' },
  { place: 'a table written by hand', from: "throw refuse(i, type === 'word' || type === 'name' ? `the table \"${value}\" is written by hand` : 'a table is missing');", to: '' },
  { place: 'a second statement', from: "';': 'a second statement begins', ", to: '', elsewhere: 'the words in it are refused too' },

  // The last gate.
  { place: 'proof of what is not understood', from: 'if (!RenderedQuery.isProved(query)) return this.#proveFirst(query as RenderedQuery, prepare);', to: '' },
  { place: 'the proof', from: 'const tables = await prover.prove({', to: 'const tables = []; void ({' },
  { place: 'statements that were not built here', from: 'if (!RenderedQuery.scopeOf(query)) {', to: 'if (false) {', elsewhere: 'what was not rendered here is proved, as text by hand is; of db.shared: test/isolation/19-metadata.test.ts' },
  { place: 'the tenant of a prepared statement', from: 'const all: Record<string, unknown> = Object.assign({}, values);\n          all[tenantPlaceholder] = tenancy.parse(id);', to: 'const all: Record<string, unknown> = Object.assign({ [tenantPlaceholder]: tenancy.parse(id) }, values);', elsewhere: 'its name is a symbol that no application has' },
];
