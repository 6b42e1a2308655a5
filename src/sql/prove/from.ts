/** FROM: its range table, where each join's condition filters, and whether every tenant table in it is confined. */
import { Entry, renamed, type Column, type Ctes, type Join, type Level } from './entry.js';
import { walk, walkCondition, type Place } from './expression.js';
import { addFacts, firstOf, isNullInPlace, sameTenant, whyNot, type Condition } from './facts.js';
import { checkAlias, kindOf, only, words } from './fields.js';
import { checkMeeting, commonTies } from './meeting.js';
import { Scope, type Names } from './names.js';
import type { Node } from '../parser.js';
import type { Proof } from './proof.js';
import { quoted, Refusal } from '../refusal.js';
import { select } from './select.js';
import { columnsOfFunctions, columnsOfJsonTable, columnsOfXmlTable, type Columns } from './table-functions.js';

/** More than any query that a person wrote; what follows from their conditions is looked for between each two. */
const maxEntries = 100;

/** The FROM of one level, while its entries are gathered. */
export class From {
  readonly conditions: Condition[] = [];
  /** Entries of which rows of everybody are no part: those that are written or locked. */
  readonly own: Entry[] = [];
  /** What a lateral entry sees: the entries before it. */
  #before: readonly Scope[] = [];

  constructor(
    readonly proof: Proof,
    readonly level: Level,
    readonly outer: Names | undefined,
    readonly ctes: Ctes | undefined,
    /** Whether FOR UPDATE of a query around, or of this one, locks the rows of an entry of a name. */
    readonly isLocked: (name: string) => boolean = () => false,
  ) {}

  /** Adds what stands in FROM or USING. */
  add(list: readonly Node[] | undefined): void {
    for (const node of list ?? []) this.#before = [...this.#before, this.#place(node)];
  }

  /** Adds the table that is written, which no entry of FROM sees. */
  addTarget(target: Entry): void {
    this.level.entries.push(target);
    this.own.push(target);
    this.#before = [new Scope([target], [target]), ...this.#before];
  }

  /** What names mean behind FROM. */
  get names(): Names {
    const parts = this.#before;
    const scope = parts.length === 1 ? parts[0]! : new Scope(parts, this.level.entries);
    return { scope, outer: this.outer };
  }

  /** Refuses what WHERE and the joins do not confine, and rows that would meet across tenants. */
  end(where: Node | undefined): void {
    const { proof, level } = this;
    const { names } = this;
    if (where) this.conditions.push({ expression: where, names, absent: names.scope.absent });
    for (const condition of this.conditions) addFacts(proof, level, condition);
    if (proof.confines || proof.meets) this.#check();
    for (const { expression, names: at } of this.conditions)
      walkCondition(expression, { proof, level, names: at, ctes: this.ctes });
  }

  #check(): void {
    const { proof, level } = this;
    const holding = level.entries.filter((it) => it.holds !== 'nothing');
    if (holding.length > maxEntries) {
      throw new Refusal(
        `one FROM has more than ${maxEntries} tenant tables`,
        'Join fewer tables',
        holding[maxEntries]!.location,
      );
    }
    proof.work(holding.length ** 2 * (level.facts.length + 1));
    const found = holding.map((it) => sameTenant([it], level.facts));
    if (proof.confines) {
      const strict = level.facts.filter((it) => !it.orNull);
      holding.forEach((it, i) => {
        if (!it.table || isConfined(this.own.includes(it) ? sameTenant([it], strict) : found[i]!, level)) return;
        refuse(it, this.conditions);
      });
    }
    if (proof.meets) checkMeeting(proof, holding, level);
    level.own = found.every((it) => it.has('tenant'));
    level.ties = commonTies(found.map((it) => outside(it, level)));
  }

  #place(node: Node): Scope {
    this.proof.work(this.level.entries.length + 1);
    const [kind, fields] = kindOf(node);
    switch (kind) {
      case 'RangeVar':
        return this.#table(fields);
      case 'RangeSubselect':
        return this.#subselect(fields);
      case 'RangeFunction':
        return this.#values(fields, columnsOfFunctions(fields, this.#lateral()));
      case 'JoinExpr':
        return this.#join(fields);
      case 'RangeTableSample':
        return this.#sample(fields);
      case 'JsonTable':
        return this.#values(fields, columnsOfJsonTable(fields, this.#lateral()));
      case 'RangeTableFunc':
        return this.#values(fields, columnsOfXmlTable(fields, this.#lateral()));
    }
    throw new Refusal(`${words(kind)} is not understood in FROM`, 'Write the statement without it', fields?.location);
  }

  #table(fields: Node): Scope {
    const { proof, level } = this;
    const { schemaname, relname, alias, location } = fields;
    checkRangeVar(fields);
    const name: string = alias?.aliasname ?? relname;
    const columnNames = namesOf(alias);
    const cte = schemaname === undefined ? find(this.ctes, relname) : undefined;
    if (cte) {
      if (!cte.rows) {
        throw new Refusal(
          `"${relname}" is named before it is read`,
          'Put the common table expression before its use',
          location,
        );
      }
      return one(level.addRows(name, renamed(cte.rows, columnNames), location));
    }
    const table = proof.table(schemaname, relname, location);
    if (!columnNames) {
      const entry = proof.entry(level, fields, table);
      level.entries.push(entry);
      if (this.isLocked(name)) this.own.push(entry);
      return one(entry);
    }
    // Which of its columns these are depends on their order in the database.
    if (table.tenant && proof.confines)
      throw new Refusal(`"${relname}" is given other names for its columns`, 'Give the table an alias only', location);
    const entry = new Entry(level, name, undefined, undefined, location);
    for (const it of columnNames) entry.add(it);
    entry.whole = false;
    if (table.tenant && proof.meets) entry.holds = 'mixed';
    level.entries.push(entry);
    return one(entry);
  }

  #subselect(fields: Node): Scope {
    only(fields, 'RangeSubselect', 'lateral subquery alias');
    const { lateral, subquery, alias } = fields;
    if (alias) checkAlias(alias);
    const [kind, query] = kindOf(subquery);
    if (kind !== 'SelectStmt') throw new Refusal(`${words(kind)} is not understood in FROM`, 'Write a query there');
    const name: string = alias?.aliasname ?? '';
    const rows = select(this.proof, query, lateral ? this.#lateral().names : this.outer, this.ctes, {
      isLocked: this.isLocked(name),
    });
    return one(this.level.addRows(name, renamed(rows, namesOf(alias))));
  }

  /** The rows of a function or of a document: no tenant's. */
  #values({ alias }: Node, { name, columns, whole }: Columns): Scope {
    if (alias) checkAlias(alias);
    const entry = new Entry(this.level, alias?.aliasname ?? name);
    const names = namesOf(alias) ?? [];
    // Where not all of them are known, neither is which of them are given other names.
    for (const it of [...names, ...(whole || names.length === 0 ? columns.slice(names.length) : [])]) entry.add(it);
    entry.whole = whole;
    entry.isValue = true;
    this.level.entries.push(entry);
    return one(entry);
  }

  #sample(fields: Node): Scope {
    only(fields, 'RangeTableSample', 'relation method args repeatable location');
    if (this.proof.given.reach !== 'all') {
      const remedy = 'Sample through db.acrossTenants(), or order by random()';
      throw new Refusal('TABLESAMPLE takes other rows among others than alone', remedy, fields.location);
    }
    walk(fields.args, this.#lateral());
    walk(fields.repeatable, this.#lateral());
    return this.#place(fields.relation);
  }

  #join(fields: Node): Scope {
    only(fields, 'JoinExpr', 'jointype isNatural larg rarg quals usingClause join_using_alias alias rtindex');
    const { jointype, isNatural, larg, rarg, quals, usingClause, join_using_alias: usingAlias, alias } = fields;
    const left = this.#place(larg);
    const before = this.#before;
    this.#before = [...before, left];
    const right = this.#place(rarg);
    this.#before = before;
    const entries = [...left.entries, ...right.entries];
    // Which entries' rows the condition drops, and which entries may be missing then.
    const sides: Record<string, readonly [filtered: readonly Entry[], missing: readonly Entry[]]> = {
      JOIN_INNER: [entries, []],
      JOIN_LEFT: [right.entries, right.entries],
      JOIN_RIGHT: [left.entries, left.entries],
      JOIN_FULL: [[], entries],
    };
    const [filtered, missing] = (Object.hasOwn(sides, jointype) && sides[jointype]) || [];
    if (!filtered) throw new Refusal(`the join ${jointype} is not understood`, 'Join in another way');
    const join: Join = { left: left.entries, right: right.entries, filtered };
    const common: readonly string[] = isNatural
      ? left.columns().flatMap(({ name }) => (right.column(name) ? [name] : []))
      : (usingClause ?? []).map((it: Node) => it.String.sval);
    const merge = (name: string) => this.#merge(name, left.column(name), right.column(name), jointype, join);
    const merged = common.length === 0 ? undefined : new Map(common.map((name) => [name, merge(name)]));
    let parts: readonly (Entry | Scope)[] = [left, right];
    if (usingAlias) {
      checkAlias(usingAlias, 'aliasname');
      parts = [...parts, this.#named(usingAlias.aliasname, [...(merged?.values() ?? [])], true)];
    }
    const absent = [...left.absent, ...right.absent];
    const absentThen = [...absent, ...missing!];
    // The first of two columns that FULL JOIN merged stands where either of them does.
    for (const { of } of merged?.values() ?? []) if (of && !entries.includes(of)) entries.push(of);
    const standing = (side: Scope) => side.entries.filter((it) => !side.absent.includes(it));
    const kept = { JOIN_INNER: [left, right], JOIN_LEFT: [left], JOIN_RIGHT: [right] }[jointype as string] ?? [];
    const either = [
      ...kept.flatMap((it) => it.either),
      ...(jointype === 'JOIN_FULL' ? [[standing(left), standing(right)] as const] : []),
    ];
    const scope = new Scope(parts, entries, merged, isNatural === true, absentThen, either);
    if (quals) this.conditions.push({ expression: quals, names: { scope, outer: this.outer }, join, absent });
    if (!alias) return scope;
    checkAlias(alias);
    const columnNames = namesOf(alias);
    const entry = this.#named(
      alias.aliasname,
      columnNames ? columnNames.map((name) => ({ name })) : scope.columns(),
      false,
    );
    entry.whole = columnNames === undefined && scope.whole;
    return new Scope([entry], entries, undefined, false, scope.absent, scope.either);
  }

  /** The one column that USING or NATURAL makes of two. */
  #merge(name: string, left: Column | undefined, right: Column | undefined, jointype: string, join: Join): Column {
    const [a, b] = [left?.of, right?.of];
    // Of two types, the merged column could have another.
    if (!a || !b) return { name };
    this.level.facts.push({ a, b, join });
    if (jointype === 'JOIN_FULL' && (isNullInPlace(left!) || isNullInPlace(right!))) return { name };
    return {
      name,
      of: jointype === 'JOIN_RIGHT' ? b : jointype === 'JOIN_FULL' ? firstOf(this.proof, this.level, [a, b]) : a,
    };
  }

  /** A name for columns of other entries. */
  #named(name: string, columns: readonly Column[], isQualified: boolean): Entry {
    const entry = new Entry(this.level, name);
    for (const { name, of, sources, orNull } of columns) entry.add(name, of, sources, orNull);
    entry.isQualified = isQualified;
    return entry;
  }

  #lateral(): Place {
    const { proof, level, ctes } = this;
    return { proof, level, ctes, names: { scope: new Scope(this.#before, level.entries), outer: this.outer } };
  }
}

const one = (entry: Entry) => new Scope([entry], [entry]);

/** Those of the entries that belong to a level around. */
const outside = (found: ReadonlySet<Entry | 'tenant'>, level: Level) =>
  [...found].filter((it): it is Entry => it !== 'tenant' && it.level !== level);

/** Whether rows are a tenant's of the handle, or of the tenant of a row around, which is proved there. */
export const isConfined = (found: ReadonlySet<Entry | 'tenant'>, level: Level): boolean =>
  found.has('tenant') || outside(found, level).length > 0;

export function refuse(entry: Entry, conditions: readonly Condition[]): never {
  const { name, table, location } = entry;
  const column = quoted(name, table!.tenant!.column);
  throw new Refusal(
    `"${table!.name}"${name === table!.name ? '' : ` as "${name}"`} is not bound to the ` +
      `tenant${whyNot(entry, conditions)}`,
    `Bind it with ${column} = \${tenantId}, joined by AND in WHERE or in the ON of its join`,
    location,
  );
}

/** Refuses a table's name that says more than schema, name and alias. */
export function checkRangeVar(fields: Node): void {
  only(fields, 'RangeVar', 'schemaname relname inh relpersistence alias location');
  if (fields.alias) checkAlias(fields.alias);
}

export const namesOf = (alias: Node): string[] | undefined => alias?.colnames?.map((it: Node) => it.String.sval);

function find(ctes: Ctes | undefined, name: string): Ctes | undefined {
  for (let it = ctes; it; it = it.outer) if (it.name === name) return it;
  return undefined;
}
