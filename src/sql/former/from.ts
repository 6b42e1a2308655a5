/** FROM: its items, where each join's condition filters, and whether every tenant table is bound. */
import { walk, type Place } from './expression.js';
import { bind, factsOf, merged, type Condition } from './facts.js';
import { kindOf, only, words } from './fields.js';
import { itemOf, type Level, type Ctes, type Item } from './level.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { Refusal } from '../refusal.js';
import { select } from './select.js';
import { checkType } from './types.js';

/** Functions whose rows are values without a name of their own: their one column is called as the alias is. */
const ofValues = new Set(
  'unnest generate_series generate_subscripts regexp_matches regexp_split_to_table string_to_table json_object_keys jsonb_object_keys jsonb_path_query'.split(' '),
);
/** The columns of functions that name them. */
const columnsOf: Record<string, readonly string[]> = Object.fromEntries(
  ['json', 'jsonb'].flatMap((kind) => ['', '_text'].flatMap((text) => [[`${kind}_each${text}`, ['key', 'value']], [`${kind}_array_elements${text}`, ['value']]])),
);

/** The FROM of one level, while its items are gathered. */
export class From {
  readonly #conditions: Condition[] = [];
  readonly #merges: NonNullable<ReturnType<typeof merged>>[] = [];
  /** What sees the items beside it, and is read when those are bound. */
  readonly #later: (() => void)[] = [];

  constructor(
    readonly proof: Proof,
    readonly level: Level,
    readonly ctes: Ctes | undefined,
  ) {}

  /** Adds what stands in FROM or USING. */
  add(list: readonly Node[] | undefined): void {
    for (const node of list ?? []) this.#place(node);
  }

  addItem(item: Item): Item {
    if (this.level.items.some((it) => it.name === item.name)) {
      throw new Refusal(`two sources of rows are called "${item.name}"`, 'Give each an alias of its own', item.location);
    }
    this.level.items.push(item);
    return item;
  }

  /** Binds the items, reads what depends on them, and refuses the statement if one is left unbound. */
  end(where: Node | undefined): void {
    const { proof, level } = this;
    const conditions = [...this.#conditions];
    if (where) conditions.push({ expression: where, visible: level.items, filtered: level.items });
    const facts = [...factsOf(proof, level, conditions), ...this.#merges];
    bind(level, facts);
    for (const read of this.#later) {
      read();
      bind(level, facts);
    }
    for (const { table, bound, name, location, hint } of level.items) {
      if (!table?.tenant || bound.has(table.tenant.column)) continue;
      throw new Refusal(
        `"${table.name}"${name === table.name ? '' : ` as "${name}"`} is not bound to the tenant${hint ? `: ${hint}` : ''}`,
        `Bind it with ${name}.${table.tenant.column} = \${tenantId}, joined by AND in WHERE or in the ON of its join`,
        location,
      );
    }
    for (const { expression, visible } of conditions) walk(expression, { proof, level, ctes: this.ctes, sees: visible });
  }

  #place(node: Node): readonly Item[] {
    const [kind, fields] = kindOf(node);
    switch (kind) {
      case 'RangeVar':
        return [this.addItem(this.#table(fields))];
      case 'RangeSubselect':
        return [this.addItem(this.#subselect(fields))];
      case 'RangeFunction':
        return [this.addItem(this.#function(fields))];
      case 'JoinExpr':
        return this.#join(fields);
    }
    throw new Refusal(`${words(kind)} is not understood in FROM`, 'Write the statement without it', fields?.location);
  }

  #table(fields: Node): Item {
    const { schemaname, relname, alias, location } = fields;
    checkRangeVar(fields);
    const name = alias?.aliasname ?? relname;
    const columnNames = namesOf(alias);
    const cte = schemaname === undefined ? find(this.ctes, relname) : undefined;
    if (cte) {
      if (!cte.rows) throw new Refusal(`"${relname}" is named before it is read`, 'Put the common table expression before its first use', location);
      return itemOf(name, cte.rows, columnNames, location);
    }
    const table = this.proof.table(schemaname, relname, location);
    if (columnNames) throw new Refusal(`"${relname}" is given other names for its columns`, 'Give the table an alias only', location);
    return { name, schema: alias ? undefined : schemaname, table, location, columns: table.columns, bound: new Set() };
  }

  #subselect(fields: Node): Item {
    only(fields, 'RangeSubselect', 'lateral subquery alias');
    const { lateral, subquery, alias } = fields;
    if (alias) only(alias, 'Alias', 'aliasname colnames');
    const [kind, query] = kindOf(subquery);
    if (kind !== 'SelectStmt') throw new Refusal(`${words(kind)} is not understood in FROM`, 'Write a query there');
    const name = alias?.aliasname ?? '';
    const columnNames = namesOf(alias);
    if (!lateral) return itemOf(name, select(this.proof, query, this.level.parent, this.ctes), columnNames);
    const item: Item = { name, columns: undefined, bound: new Set(), pending: true };
    this.#later.push(() => {
      const { columns, bound } = itemOf(name, select(this.proof, query, this.level, this.ctes), columnNames);
      item.columns = columns;
      item.bound = bound;
      item.pending = false;
    });
    return item;
  }

  #function(fields: Node): Item {
    only(fields, 'RangeFunction', 'lateral ordinality is_rowsfrom functions alias coldeflist');
    const { functions, alias, coldeflist } = fields;
    const columnNames = namesOf(alias);
    const columns = new Set<string>(columnNames);
    let name: string | undefined = alias?.aliasname;
    if (fields.ordinality) columns.add('ordinality');
    const defined = (list: readonly Node[] | undefined) => {
      for (const { ColumnDef } of list ?? []) {
        only(ColumnDef, 'ColumnDef', 'colname typeName is_local location');
        checkType(ColumnDef.typeName);
        columns.add(ColumnDef.colname);
      }
    };
    defined(coldeflist);
    for (const { List } of functions) {
      const [call, definitions] = List.items;
      const called = call.FuncCall?.funcname.at(-1).String.sval;
      if (called === undefined && !call.SQLValueFunction && !call.CoalesceExpr) {
        throw new Refusal(`${words(kindOf(call)[0])} is not understood in FROM`, 'Call a function there');
      }
      if (called !== undefined) columns.add(called);
      for (const column of (called !== undefined && Object.hasOwn(columnsOf, called) && columnsOf[called]) || []) columns.add(column);
      // Any other name would be no column: `alias.alias` would call the function of that name on the value.
      if (alias && !columnNames && functions.length === 1 && ofValues.has(called)) columns.add(alias.aliasname);
      name ??= called;
      defined(definitions?.List?.items);
      this.#later.push(() => walk(call, this.#here()));
    }
    return { name: name ?? '', columns, bound: new Set() };
  }

  #join(fields: Node): readonly Item[] {
    only(fields, 'JoinExpr', 'jointype larg rarg quals usingClause rtindex');
    const { jointype, larg, rarg, quals, usingClause } = fields;
    const left = this.#place(larg);
    const right = this.#place(rarg);
    const both = [...left, ...right];
    const sides: Record<string, readonly Item[]> = { JOIN_INNER: both, JOIN_LEFT: right, JOIN_RIGHT: left, JOIN_FULL: [] };
    const filtered = Object.hasOwn(sides, jointype) ? sides[jointype] : undefined;
    if (!filtered) throw new Refusal(`the join ${jointype} is not understood`, 'Join in another way');
    for (const it of usingClause ?? []) {
      const column: string = it.String.sval;
      const isInner = jointype === 'JOIN_INNER' && this.level.merged.get(column) !== false;
      const fact = merged(column, this.level.merged.get(column) ? left.slice(0, 1) : left, right, filtered);
      if (fact) this.#merges.push(fact);
      this.level.merged.set(column, isInner);
    }
    if (quals) this.#conditions.push({ expression: quals, visible: both, filtered });
    return both;
  }

  #here = (): Place => ({ proof: this.proof, level: this.level, ctes: this.ctes });
}

/** Refuses a table's name that says more than schema, name and alias. */
export function checkRangeVar(fields: Node): void {
  only(fields, 'RangeVar', 'schemaname relname inh relpersistence alias location');
  if (fields.alias) only(fields.alias, 'Alias', 'aliasname colnames');
}

export const namesOf = (alias: Node): string[] | undefined => alias?.colnames?.map((it: Node) => it.String.sval);

export function find(ctes: Ctes | undefined, name: string): Ctes | undefined {
  for (let it = ctes; it; it = it.outer) if (it.name === name) return it;
  return undefined;
}
