/**
 * Confines a statement to a tenant, on PostgreSQL's own parse tree. What is added is put into the text at the places that
 * the tree names; everything else stays as it was written. The prover has the last word about what comes out.
 *
 * - A table in FROM: its predicate stands in WHERE, or in ON of the join that may fill it up with nulls; where neither
 *   filters its rows only (FULL JOIN, USING, NATURAL, names given to its columns), the table becomes a derived table.
 * - UPDATE and DELETE: in WHERE. INSERT: the tenant column is given the tenant in every row, and stands in the target of ON CONFLICT.
 */
import { ImmutableTenantError, UnscopedTableError } from '../../errors.js';
import { kindOf, words } from '../prove/fields.js';
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';
import type { Declared, Tables } from '../tables.js';
import { Tokens, type Token } from './tokens.js';

/** Whose rows: what stands behind a tenant column in its predicate, and what may be written. */
export interface Reach {
  readonly kind: 'one' | 'several' | 'all' | 'shared';
  /** False in write-only mode. */
  readonly filters: boolean;
  /** Refuses a table that is not the handle's. */
  readonly admit: (table: Declared) => { readonly primaryKey?: () => readonly string[] };
}

export interface Rewritten {
  readonly text: string;
  /** Parameters that stand where a row names its tenant: their values have to be the tenant's. */
  readonly guards: ReadonlySet<number>;
  readonly tables: ReadonlySet<Declared>;
  /** Whether the tenant is asked for. */
  readonly isBound: boolean;
}

/** What names mean at one level of the statement. */
interface Level {
  readonly parent: Level | undefined;
  readonly ctes: Names | undefined;
  /** Tables of a schema that became derived tables, which have no schema. */
  readonly bare: Set<string>;
}
interface Names {
  readonly name: string;
  readonly outer: Names | undefined;
}
type Sink = ((predicate: string) => void) | undefined;
/** The tenant column of a table in FROM; `isTable` where the table itself stands there, with its key. */
interface Item {
  readonly column: string;
  readonly name: string;
  readonly table: Declared;
  readonly isTable: boolean;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const hasName = (names: Names | undefined, name: string): boolean => names !== undefined && (names.name === name || hasName(names.outer, name));

export class Rewriter {
  readonly #edits: { readonly at: number; readonly end: number; readonly text: string }[] = [];
  #scanned: Tokens | undefined;
  readonly #guards = new Set<number>();
  readonly #touched = new Set<Declared>();
  #isBound = false;

  /** @param count the statement's own parameters; the tenant is the one behind them */
  constructor(
    readonly text: string,
    readonly count: number,
    readonly tables: Tables,
    readonly reach: Reach,
    readonly scan: () => readonly Token[],
  ) {}

  /** Scanned when a place is asked for that the tree does not tell: the rows of an INSERT need none. */
  get #tokens(): Tokens {
    return (this.#scanned ??= new Tokens(this.scan()));
  }

  run(statement: Node): Rewritten {
    const [kind, node] = kindOf(statement);
    if (!/^(Select|Insert|Update|Delete)Stmt$/.test(kind)) {
      throw new Refusal(`${words(kind.replace(/Stmt$/, ''))} is no query, INSERT, UPDATE or DELETE`, "Use the handle's own methods");
    }
    this.#visit({ [kind]: node }, { parent: undefined, ctes: undefined, bare: new Set() });
    const bytes = /^[\x00-\x7f]*$/.test(this.text) ? undefined : Buffer.from(this.text);
    const part = (from: number, to?: number) => (bytes ? bytes.toString('utf8', from, to) : this.text.slice(from, to));
    let [result, done] = ['', 0];
    for (const { at, end, text } of this.#edits.sort((a, b) => a.at - b.at)) {
      result += part(done, at) + text;
      done = end;
    }
    return { text: result + part(done), guards: this.#guards, tables: this.#touched, isBound: this.#isBound };
  }

  get #tenant(): string {
    this.#isBound = true;
    return `$${this.count + 1}`;
  }

  #insert = (at: number, text: string) => void this.#edits.push({ at, end: at, text });

  /** Walks whatever stands in the tree, to the statements in it. */
  #visit(node: Node, level: Level): void {
    if (node === null || typeof node !== 'object') return;
    for (const [key, value] of Object.entries<Node>(node)) {
      if (key === 'SelectStmt') this.#select(value, level);
      else if (key === 'InsertStmt') this.#into(value, level);
      else if (key === 'UpdateStmt') this.#change(value, value.fromClause, level);
      else if (key === 'DeleteStmt') this.#change(value, value.usingClause, level);
      else if (key === 'RangeVar') throw new Refusal('a table is named where none is expected', 'Write the statement without it', value.location);
      else if (key === 'ColumnRef') this.#column(value, level);
      else if (key === 'ParamRef' && value.number > this.count) throw new Refusal(`there is no parameter $${value.number}`, 'Interpolate the value', value.location);
      // (a, b) = (select ...) stands in the tree once for each column.
      else if (key !== 'lockedRels' && !(key === 'MultiAssignRef' && value.colno > 1)) this.#visit(value, level);
    }
  }

  /** `crm.notes.id`, where `crm.notes` became a derived table `notes`. */
  #column({ fields, location }: Node, level: Level): void {
    if (fields.length < 3) return;
    const name = `${fields[0].String?.sval}.${fields[1].String?.sval}`;
    let it: Level | undefined = level;
    while (it && !it.bare.has(name)) it = it.parent;
    if (it) this.#edits.push({ at: location, end: this.#tokens.list[this.#tokens.at(location) + 2]!.start, text: '' });
  }

  #with(clause: Node | undefined, around: Level): Level {
    let ctes = around.ctes;
    const level = (): Level => ({ parent: around, ctes, bare: new Set() });
    if (clause?.recursive) for (const { CommonTableExpr: it } of clause.ctes) ctes = { name: it.ctename, outer: ctes };
    for (const { CommonTableExpr: it } of clause?.ctes ?? []) {
      this.#visit(it, level());
      if (!clause.recursive) ctes = { name: it.ctename, outer: ctes };
    }
    return level();
  }

  #select(node: Node, around: Level): void {
    const { withClause, fromClause, larg, rarg, op, ...rest } = node;
    const level = this.#with(withClause, around);
    if (op !== 'SETOP_NONE') {
      this.#select(larg, level);
      this.#select(rarg, level);
    }
    const where: string[] = [];
    const items = this.#from(fromClause, level, where);
    this.#visit(rest, level);
    if (where.length > 0) this.#conjoin(node.whereClause, 'WHERE', where, () => this.#tokens.endOf(this.#tokens.before(fromClause[0], 'FROM') + 1));
    if (this.reach.kind === 'one' && node.groupClause) this.#groupBy(node.groupClause, items);
  }

  /** A primary key became (tenant, key): grouping by the key alone no longer determines the row. */
  #groupBy(group: readonly Node[], items: readonly Item[]): void {
    const path = (it: Node): string[] => it.ColumnRef?.fields.map((part: Node) => part.String?.sval) ?? [];
    if (!group.every((it) => it.ColumnRef)) return;
    for (const { name, column, table, isTable } of items) {
      const key = this.reach.admit(table).primaryKey?.() ?? [];
      const has = (wanted: string) => group.some((it) => path(it).at(-1) === wanted && (path(it).length === 1 || name.endsWith(quoted(path(it).at(-2)!))));
      if (!isTable || key.length === 0 || !key.every(has) || has(table.tenant!.column)) continue;
      this.#insert(this.#tokens.list[this.#tokens.before(group, 'GROUP') + 1]!.end, ` ${column},`);
    }
  }

  /** Adds predicates before what a WHERE or ON says, which is closed in parentheses. */
  #conjoin(given: Node | undefined, word: 'WHERE' | 'ON', predicates: readonly string[], end: () => number): void {
    const { list } = this.#tokens;
    const text = predicates.join(' and ');
    if (!given) return this.#insert(list[end() - 1]!.end, ` where ${text}`);
    const index = this.#tokens.before(given, word);
    this.#insert(list[index]!.end, ` ${text} and (`);
    this.#insert(list[this.#tokens.endOf(index + 1, word === 'ON') - 1]!.end, ')');
  }

  #from(list: readonly Node[] | undefined, level: Level, where: string[], first: readonly Item[] = []): Item[] {
    const items = [...first];
    for (const node of list ?? []) {
      const placed = this.#place(node, level, (it) => where.push(it));
      this.#equal(items, placed, (it) => where.push(it));
      items.push(...placed);
    }
    return items;
  }

  /** Where one value does not say it already: rows are joined within their tenant. */
  #equal(left: readonly Item[], right: readonly Item[], sink: Sink): void {
    if (this.reach.kind === 'one' || left.length === 0 || right.length === 0) return;
    const of = (items: readonly Item[]) => (items.length === 1 ? items[0]!.column : `coalesce(${items.map((it) => it.column).join(', ')})`);
    if (!sink) throw new Refusal('tables of several tenants are joined with USING or NATURAL', 'Join them with ON');
    sink(`${of(right)} = ${of(left)}`);
  }

  /** @param sink where a predicate may stand that filters this item's rows, and no others */
  #place(node: Node, level: Level, sink: Sink): Item[] {
    const [kind, fields] = kindOf(node);
    if (kind === 'RangeVar') return this.#table(fields, level, sink);
    if (kind !== 'JoinExpr') {
      this.#visit(kind === 'RangeTableSample' ? { sample: node } : node, level);
      return [];
    }
    const { jointype, larg, rarg, quals, alias } = fields;
    const on: string[] = [];
    const toOn: Sink = quals ? (it) => on.push(it) : undefined;
    // The alias of a join hides the names in it.
    if (alias) sink = undefined;
    const isInner = jointype === 'JOIN_INNER';
    const left = this.#place(larg, level, isInner ? (sink ?? toOn) : jointype === 'JOIN_LEFT' ? sink : jointype === 'JOIN_RIGHT' ? toOn : undefined);
    const right = this.#place(rarg, level, isInner ? (toOn ?? sink) : jointype === 'JOIN_LEFT' ? toOn : jointype === 'JOIN_RIGHT' ? sink : undefined);
    this.#equal(left, right, toOn ?? sink);
    this.#visit(quals, level);
    if (on.length > 0) this.#conjoin(quals, 'ON', on, () => 0);
    return [...left, ...right];
  }

  #find(fields: Node): Declared {
    if (fields.catalogname) throw new Refusal('the name of a database stands before a table', 'Leave it out', fields.location);
    const table = this.tables.find(fields.schemaname, fields.relname, fields.location);
    this.reach.admit(table);
    this.#touched.add(table);
    return table;
  }

  #item({ schemaname, relname, alias }: Node, table: Declared, isTable = true): Item {
    const name = alias ? quoted(alias.aliasname) : schemaname && isTable ? `${quoted(schemaname)}.${quoted(relname)}` : quoted(relname);
    return { name, column: `${name}.${quoted(table.tenant!.column)}`, table, isTable };
  }

  #predicate = (column: string) => (this.reach.kind === 'one' ? `${column} = ${this.#tenant}` : `${column} = any(${this.#tenant})`);

  #table(fields: Node, level: Level, sink: Sink): Item[] {
    const { schemaname, relname, alias, location, inh } = fields;
    if (schemaname === undefined && hasName(level.ctes, relname)) return [];
    const table = this.#find(fields);
    if (!table.tenant || !this.reach.filters) return [];
    if (this.reach.kind === 'all') return [this.#item(fields, table)];
    if (sink && !alias?.colnames) {
      const item = this.#item(fields, table);
      sink(this.#predicate(item.column));
      return [item];
    }
    if (!inh) throw new Refusal('ONLY stands where the table becomes a derived table', 'Leave ONLY out', location);
    const end = this.#tokens.list[this.#tokens.at(location) + (schemaname === undefined ? 0 : 2)]!.end;
    const name = schemaname === undefined ? quoted(relname) : `${quoted(schemaname)}.${quoted(relname)}`;
    const rows = `(select * from ${name} where ${this.#predicate(`${name}.${quoted(table.tenant.column)}`)})`;
    this.#edits.push({ at: location, end, text: alias ? rows : `${rows} as ${quoted(relname)}` });
    if (schemaname !== undefined && !alias) level.bare.add(`${schemaname}.${relname}`);
    return [this.#item(fields, table, false)];
  }

  /** The table that is written. A common table expression of its name does not hide it. */
  #target(relation: Node): Declared {
    const table = this.#find(relation);
    if (table.isView) throw new Refusal(`"${relation.relname}" is a view`, 'Write the table itself', relation.location);
    if (!table.tenant && this.reach.kind !== 'shared') {
      throw new UnscopedTableError(table.name, `Write "${table.name}" through db.shared: a reference table is shared by all tenants, and a scoped handle only reads it.`);
    }
    return table;
  }

  #isTenantSet(list: readonly Node[] | undefined, table: Declared): void {
    if (table.tenant && list?.some(({ ResTarget: it }) => it.name === table.tenant!.column)) throw new ImmutableTenantError(table.name, table.tenant.column);
  }

  /** UPDATE and DELETE. */
  #change(node: Node, from: readonly Node[] | undefined, around: Level): void {
    const { withClause, relation, targetList, whereClause, returningClause } = node;
    const level = this.#with(withClause, around);
    const table = this.#target(relation);
    this.#isTenantSet(targetList, table);
    const where: string[] = [];
    const target = table.tenant && this.reach.filters ? [this.#item(relation, table)] : [];
    if (this.reach.kind !== 'all') for (const { column } of target) where.push(this.#predicate(column));
    this.#from(from, level, where, target);
    this.#visit([targetList, whereClause, returningClause], level);
    if (where.length > 0) this.#conjoin(whereClause, 'WHERE', where, () => this.#tokens.endOf(this.#tokens.at(relation.location)));
  }

  #into(node: Node, around: Level): void {
    const { withClause, relation, cols, selectStmt, onConflictClause, returningClause } = node;
    const level = this.#with(withClause, around);
    const table = this.#target(relation);
    this.#visit([selectStmt, onConflictClause, returningClause], level);
    if (!table.tenant) return;
    const { column, type } = table.tenant;
    const query = selectStmt?.SelectStmt;
    if (!cols || !query) throw new Refusal(`the columns of "${table.name}" are not named`, 'Name the columns of the INSERT', relation.location);
    const index = cols.findIndex((it: Node) => it.ResTarget.name === column);
    const isOne = this.reach.kind === 'one';
    if (index < 0) {
      if (!isOne) throw new Refusal(`a row of "${table.name}" is not given its tenant`, `Name "${column}" in the columns of the INSERT`, relation.location);
      this.#insert(cols[0].ResTarget.location, `${quoted(column)}, `);
      if (query.valuesLists) this.#addToRows(this.#tokens.before(query.valuesLists, 'VALUES') + 1);
      else this.#addToQuery(cols, query, `${this.#tenant}::${type}`);
    }
    for (const { List } of (index < 0 ? undefined : query.valuesLists) ?? []) {
      const value = List.items[index];
      if (value?.ParamRef) this.#guards.add(value.ParamRef.number);
      else if (value?.SetToDefault && isOne) this.#edits.push({ at: value.SetToDefault.location, end: value.SetToDefault.location + 7, text: this.#tenant });
    }
    if (!onConflictClause) return;
    this.#isTenantSet(onConflictClause.targetList, table);
    const { infer } = onConflictClause;
    const isKnown = !infer?.indexElems || infer.indexElems.some(({ IndexElem }: Node) => IndexElem.name === column);
    if (!isKnown && this.reach.filters) this.#insert(infer.location + 1, `${quoted(column)}, `);
  }

  /** VALUES: each row begins with the tenant. */
  #addToRows(from: number): void {
    const end = this.#tokens.endOf(from);
    for (let [i, depth] = [from, 0]; i < end; i++) {
      const word = this.#tokens.word(i);
      if (word === '(' && depth++ === 0) this.#insert(this.#tokens.list[i]!.end, `${this.#tenant}, `);
      else if (word === ')') depth--;
    }
  }

  /** INSERT ... SELECT: a query around it selects the tenant too. */
  #addToQuery(cols: readonly Node[], _: Node, value: string): void {
    let i = this.#tokens.at(cols.at(-1)!.ResTarget.location);
    while (this.#tokens.word(i) !== ')') i++;
    if (this.#tokens.word(i + 1) === 'OVERRIDING') i += 3;
    this.#insert(this.#tokens.list[i]!.end, ` select ${value}, "q".* from (`);
    let end = i + 1;
    for (let depth = 0; end < this.#tokens.list.length; end++) {
      const word = this.#tokens.word(end);
      if (word === '(') depth++;
      else if (word === ')' && --depth < 0) break;
      else if (depth === 0 && (word === ';' || word === 'RETURNING' || (word === 'ON' && this.#tokens.word(end + 1) === 'CONFLICT'))) break;
    }
    this.#insert(this.#tokens.list[end - 1]!.end, ') as "q"');
  }
}
