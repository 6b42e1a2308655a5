/**
 * FROM, and USING of DELETE and MERGE: where the predicate of each table stands, and how rows of several tenants are
 * kept apart.
 *
 * - One table: in WHERE. INNER JOIN: its right side in ON. LEFT JOIN: its right side in ON. RIGHT JOIN: its left side
 *   in ON.
 * - Where neither filters the rows of that table only (FULL JOIN, USING, NATURAL, a join with an alias): the table is
 *   joined with one empty row, `(tasks join (select) as "_1" on ...)`. It is still the table, so that all that names it
 *   still does.
 * - A table whose columns are renamed, and the source of MERGE, becomes a derived table; so does, where several tenants
 *   are in sight, a table of a query whose names hide the table of the query around that tells its tenant.
 *
 * Of a table with rows of everybody, those are read too: `(tenant = $k or tenant is null)`. What is written or locked
 * is the tenant's own. Where several tenants are in sight, such a row meets the rows of any of them, and no query
 * within is about it.
 */
import { barriersOf } from './barrier.js';
import type { Context, Level, Sink, Source, Tenant } from './context.js';
import { nameOf, refuseMeeting } from './context.js';
import type { Grouped } from './group.js';
import type { Node } from '../parser.js';
import { quoted, Refusal } from '../refusal.js';
import { isReadingUnsafe } from './raises.js';
import { findCte, raisesByName, tenantColumnOf } from './rows.js';
import type { Rows, RowsReader } from './rows.js';
import { startOf } from '../tokens.js';
import type { Declared } from '../tables.js';

/** Whose rows one side of a join has. `hidden`: of several tenants, and no column tells whose. */
type Side = Tenant | 'hidden' | undefined;

/** Where an item stands. */
interface Place {
  readonly sink: Sink;
  /** The tenant of what stands before it, which a lateral query may name. */
  readonly before: Tenant | undefined;
  /** Whether a condition may say that its tenant is that one. */
  readonly canMeet: boolean;
  /** Whether it is the source of MERGE. Citus takes a table or a query there, and no join. */
  readonly isSource?: boolean;
}

export class From {
  /** The tables that stand as themselves. */
  readonly tables: Grouped[] = [];
  /** What a bare name means that several tables have. */
  merged: 'first' | 'unknown' = 'first';
  #side: Side;

  constructor(
    readonly context: Context,
    readonly rows: RowsReader,
    readonly level: Level,
    readonly where: string[],
    /** Whether FOR UPDATE or FOR SHARE locks the rows of what has a name. */
    readonly isLocked: (name: string) => boolean = () => false,
  ) {}

  /** The target of UPDATE, DELETE or MERGE, whose predicate stands in a condition. */
  addTarget(relation: Node, table: Declared, sink: Sink): void {
    if (!table.tenant || !this.context.given.filters) return;
    if (relation.alias?.colnames)
      throw new Refusal(
        `"${relation.relname}" is given other names for its columns`,
        'Give the table an alias only',
        relation.location,
      );
    const column = `${nameOf(relation)}.${quoted(table.tenant.column)}`;
    const predicate = this.context.predicate(column);
    if (predicate) sink!(predicate);
    this.#source(relation, table, column);
    const withEverybody = table.tenant.everybody === true && this.context.given.reach === 'all';
    if (this.context.isMany) this.#side = this.#tenant(relation, table, column, withEverybody);
  }

  /** The sources of rows, one after the other. */
  add(list: readonly Node[] | undefined): void {
    const sink: Sink = (it) => void this.where.push(it);
    // The target of a statement is not in sight of what stands in FROM.
    let before: Tenant | undefined;
    for (const node of list ?? []) {
      const side = this.#place(node, { sink, before, canMeet: true });
      before = telling(before, side);
      this.#side = this.#meet(this.#side, side, sink, 'JOIN_INNER');
    }
  }

  /** The source of MERGE, whose rows no condition filters: those that match nothing are inserted. */
  addSource(node: Node, on: Sink): void {
    const side = this.#place(node, { sink: undefined, before: undefined, canMeet: true, isSource: true });
    this.#side = this.#meet(this.#side, side, on, 'JOIN_INNER');
  }

  /** The level as its expressions see it: about the tenant of its rows. */
  get inside(): Level {
    return this.#about(this.#side);
  }

  #about(side: Side): Level {
    const { level } = this;
    if (!this.context.isMany || level.anchor || side === undefined) return level;
    if (side === 'hidden') return { ...level, alone: { count: level.alone.count + 1 } };
    return about(level, side);
  }

  #tenant(fields: Node, table: Declared, sql: string, withEverybody = false): Tenant {
    return {
      sql,
      names: [fields.alias?.aliasname ?? fields.relname],
      column: table.tenant!.column,
      isEverybodys: withEverybody,
    };
  }

  #place(node: Node, place: Place): Side {
    const { RangeVar, RangeSubselect, JoinExpr, RangeTableSample } = node;
    if (RangeVar) return this.#table(RangeVar, place);
    if (RangeSubselect) return this.#subselect(RangeSubselect, place);
    if (JoinExpr) return this.#join(JoinExpr, place);
    if (RangeTableSample) return this.#sample(RangeTableSample, place);
    // Functions see what stands before them.
    this.context.visit(node, place.before && !this.level.anchor ? about(this.level, place.before) : this.level);
    return undefined;
  }

  #sample({ relation, args, repeatable, location }: Node, place: Place): Side {
    const { reach, tables } = this.context.given;
    const { schemaname, relname } = relation.RangeVar;
    if (reach !== 'all' && tables.known(schemaname, relname)?.tenant) {
      throw new Refusal(
        'TABLESAMPLE tells how many rows others have',
        'Use db.acrossTenants({ reason }) for TABLESAMPLE',
        location,
      );
    }
    this.context.visit([args, repeatable], this.level);
    return this.#table(relation.RangeVar, place);
  }

  #table(fields: Node, place: Place): Side {
    const { context, level } = this;
    const { schemaname, relname, alias } = fields;
    const cte = schemaname === undefined ? findCte(level.ctes, relname) : undefined;
    if (cte) return this.#cte(fields, cte.rows, place);
    const table = context.find(fields);
    if (!table.tenant || !context.given.filters) {
      if (table.tenant) this.#group(fields, table);
      this.#source(fields, table, undefined);
      return undefined;
    }
    const isNamed = alias !== undefined || schemaname === undefined;
    const anchor = context.isMany ? this.#anchor(isNamed) : undefined;
    const isOpen = context.isMany && !anchor;
    // Beside a name that hides it, the query around is named from within a query of its own, under another name.
    const own = anchor && this.#hiding(this.level, anchor) !== undefined ? context.newName() : undefined;
    // A table whose columns are renamed, or whose join has no condition, tells its tenant within a query of its own.
    const before = isOpen && (alias?.colnames || !place.canMeet) ? place.before : undefined;
    const isDerived = alias?.colnames !== undefined || before !== undefined || own !== undefined;
    // Behind a schema, columns are named that a query would not have.
    const isSource = place.isSource === true && isNamed;
    const known = own ?? nameOf(isDerived || isSource ? { schemaname, relname } : fields);
    const column = `${known}.${quoted(table.tenant.column)}`;
    const predicates: string[] = [];
    const withEverybody =
      table.tenant.everybody === true && (context.given.reach === 'all' || !this.isLocked(alias?.aliasname ?? relname));
    if (before?.isEverybodys) this.#refuseWithin(before);
    const predicate = context.predicate(column, withEverybody);
    this.#source(
      fields,
      table,
      alias?.colnames ? undefined : `${nameOf(fields)}.${quoted(table.tenant.column)}`,
      withEverybody,
    );
    if (predicate) predicates.push(predicate);
    for (const other of [anchor, before])
      if (other)
        predicates.push(withEverybody ? `(${column} = ${other.sql} or ${column} is null)` : `${column} = ${other.sql}`);
    if (isDerived) {
      if (predicates.length > 0) this.#derive(fields, predicates, before !== undefined, own);
      return isOpen && !before ? 'hidden' : undefined;
    }
    this.#group(fields, table);
    if (isSource) {
      if (predicates.length > 0) this.#derive(fields, predicates, false);
    } else if (place.sink) predicates.forEach(place.sink);
    else if (predicates.length > 0) this.#fence(fields, predicates);
    return isOpen
      ? this.#tenant(fields, table, `${nameOf(fields)}.${quoted(table.tenant.column)}`, withEverybody)
      : undefined;
  }

  /** Notes a table for conditions that can raise. */
  #source(
    { schemaname, relname, alias }: Node,
    table: Declared,
    tenant: string | undefined,
    withEverybody = false,
  ): void {
    if (!this.context.needsBarrier) return;
    const [name, schema]: string[] = alias ? [alias.aliasname] : [relname, schemaname ?? 'public'];
    const given: readonly string[] = alias?.colnames?.map((it: Node) => it.String.sval) ?? [];
    const raises = (column: string) => {
      const isGiven = given.includes(column);
      return isGiven || table.columns.has(column) ? isReadingUnsafe(table, isGiven ? undefined : column) : undefined;
    };
    this.level.sources.push({
      name: name!,
      schema,
      raises,
      tenant,
      holds: table.tenant !== undefined,
      isNullable: withEverybody,
    });
  }

  /** Notes the rows of a query. */
  #rowsSource(name: string, rows: Rows, alias: Node | undefined, besides?: readonly Source[]): void {
    if (!this.context.needsBarrier) return;
    const column = tenantColumnOf(rows, alias);
    const columns = raisesByName(rows, alias);
    const raises = (of: string) => columns.get(of);
    this.level.sources.push({
      name,
      raises,
      tenant: column === undefined ? undefined : `${quoted(name)}.${quoted(column)}`,
      holds: rows.holds,
      besides,
      isNullable: false,
    });
  }

  #group(fields: Node, table: Declared): void {
    const { schemaname, relname, alias } = fields;
    if (alias?.colnames) return;
    const column = `${nameOf(fields)}.${quoted(table.tenant!.column)}`;
    this.tables.push({
      name: alias?.aliasname ?? relname,
      schema: alias ? undefined : (schemaname ?? 'public'),
      table,
      column,
    });
  }

  #cte(fields: Node, rows: ReturnType<RowsReader['of']> | undefined, place: Place): Side {
    // Inside of a query around, a common table expression is about that one's tenant.
    const { relname, alias, location } = fields;
    const name: string = alias?.aliasname ?? relname;
    if (rows) this.#rowsSource(name, rows, alias);
    if (!rows?.holds) return undefined;
    const column = tenantColumnOf(rows, alias);
    const anchor = this.#anchor();
    if (!column)
      return anchor || place.before
        ? refuseMeeting(`"${relname}" does not tell whose its rows are`, location)
        : 'hidden';
    const sql = `${quoted(name)}.${quoted(column)}`;
    if (!anchor) return { sql, names: [name], column };
    if (place.sink) place.sink(`${sql} = ${anchor.sql}`);
    else this.#fence(fields, [`${sql} = ${anchor.sql}`]);
    return undefined;
  }

  /** The name of a source of rows that hides one from which the tenant of the query around is read. */
  #hiding = ({ names }: Level, anchor: Tenant): string | undefined => names.find((it) => anchor.names.includes(it));

  /**
   * The tenant of the query around.
   *
   * @param canBeHidden whether a source of rows of this level may hide it
   */
  #anchor(canBeHidden = false): Tenant | undefined {
    const { anchor } = this.level;
    if (!anchor) return undefined;
    if (anchor.isEverybodys) this.#refuseWithin(anchor);
    const from = canBeHidden ? this.level.parent : this.level;
    for (let it: Level | undefined = from; it && it.anchor === anchor; it = it.parent) {
      const hiding = this.#hiding(it, anchor);
      if (hiding !== undefined)
        throw new Refusal(
          `"${hiding}" stands in a query within one that has a "${hiding}"`,
          'Give each table an alias of its own',
        );
    }
    return anchor;
  }

  #refuseWithin({ names }: Tenant): never {
    throw new Refusal(`rows of "${names[0]}" may be everybody's, and tell no tenant to a query within`, withTenants);
  }

  /** The tokens of a table's name, with ONLY, and those of its alias behind. */
  #tokensOf({ schemaname, location, alias, inh }: Node): { first: number; name: number; last: number } {
    const { tokens } = this.context;
    let first = tokens.at(location);
    let name = first + (schemaname === undefined ? 0 : 2);
    if (!inh && tokens.word(first - 1) === '(') {
      first--;
      name++;
    }
    if (!inh) first--;
    else if (tokens.word(name + 1) === '*') name++;
    let last = name;
    if (alias) last += tokens.word(name + 1) === 'AS' ? 2 : 1;
    if (alias?.colnames) last = tokens.pair(last + 1);
    return { first, name, last };
  }

  /** Joins a table with one empty row, which confines it before anything else is joined with it. */
  #fence(fields: Node, predicates: readonly string[]): void {
    const { tokens, splices } = this.context;
    const { first, last } = this.#tokensOf(fields);
    splices.insert(tokens.start(first), '(');
    splices.insert(tokens.end(last), ` join (select) as ${this.context.newName()} on ${predicates.join(' and ')})`);
  }

  /** @param own what the table is called within */
  #derive(fields: Node, predicates: readonly string[], isLateral: boolean, own?: string): void {
    const { tokens, splices } = this.context;
    const { first, name } = this.#tokensOf(fields);
    splices.insert(tokens.start(first), `${isLateral ? 'lateral ' : ''}(select * from `);
    const within = own === undefined ? '' : ` as ${own}`;
    const around = fields.alias ? '' : ` as ${quoted(fields.relname)}`;
    splices.insert(tokens.end(name), `${within} where ${predicates.join(' and ')})${around}`);
  }

  #subselect({ lateral, subquery, alias }: Node, place: Place): Side {
    const { context, level, rows } = this;
    const query = subquery.SelectStmt;
    const inner: Level = { ...level, alone: { count: 0 } };
    const isLocked = this.isLocked(alias?.aliasname ?? '');
    if (context.needsBarrier)
      this.#rowsSource(
        alias?.aliasname ?? '',
        rows.of('SelectStmt', query, level.ctes),
        alias,
        lateral ? [...level.sources] : undefined,
      );
    const found = context.isMany && !level.anchor ? rows.of('SelectStmt', query, level.ctes) : undefined;
    if (!found?.holds) return void context.select(query, inner, isLocked);
    const column = tenantColumnOf(found, alias);
    if (place.before && (lateral || !column || !found.isApart || !place.canMeet)) {
      if (!lateral) context.splices.insert(this.#openOf(query, alias), 'lateral ');
      return void context.select(query, about(inner, place.before), isLocked);
    }
    // Drizzle writes an outermost set operation as the only query of a FROM.
    const isOutermost = query.op !== 'SETOP_NONE' && level.parent?.parent === undefined;
    if (!found.isApart && !isOutermost)
      refuseMeeting('what a query within FROM counts, limits or compares is of several tenants', startOf(subquery));
    context.select(query, inner, isLocked);
    const name: string = alias?.aliasname ?? '';
    return column && name && found.isApart
      ? { sql: `${quoted(name)}.${quoted(column)}`, names: [name], column }
      : 'hidden';
  }

  /** Where the parenthesis around a query in FROM opens: that behind which its alias stands. */
  #openOf(query: Node, alias: Node | undefined): number {
    const { tokens } = this.context;
    if (!alias) throw new Refusal('a query in FROM has no alias', 'Give it one');
    let i = tokens.at(startOf({ SelectStmt: query }));
    while (i > 0 && !['SELECT', 'VALUES', 'TABLE', 'WITH'].includes(tokens.word(i))) i--;
    for (i--; tokens.word(i) === '('; i--) {
      const next = tokens.word(tokens.pair(i) + 1);
      if (next === 'AS' || next === '') return tokens.start(i);
    }
    throw new Refusal('a query in FROM is not found in the text', 'Write a simpler statement');
  }

  #join(fields: Node, place: Place): Side {
    const { context } = this;
    const { jointype, larg, rarg, quals, usingClause, isNatural, alias } = fields;
    const on: string[] = [];
    const toOn: Sink = quals ? (it) => void on.push(it) : undefined;
    // The alias of a join hides the names in it.
    const sink = alias ? undefined : place.sink;
    const isInner = jointype === 'JOIN_INNER';
    const [isLeft, isRight] = [jointype === 'JOIN_LEFT', jointype === 'JOIN_RIGHT'];
    const isMerged = usingClause !== undefined || isNatural === true;
    if (isMerged && !isInner && !isLeft) this.merged = 'unknown';
    const meetSink = toOn ?? (isInner ? sink : undefined);
    const leftSink = isInner ? (sink ?? toOn) : isLeft ? sink : isRight ? toOn : undefined;
    const rightSink = isInner ? (toOn ?? sink) : isLeft ? toOn : isRight ? sink : undefined;
    const from = this.tables.length;
    const { sources } = this.level;
    const fromLeft = sources.length;
    const left = this.#place(larg, { sink: leftSink, before: place.before, canMeet: place.canMeet });
    const before = isInner || isLeft ? telling(asTenant(left) ?? place.before, place.before) : place.before;
    const merged = asTenant(left)?.column;
    const fromRight = sources.length;
    const isTenantMerged =
      merged !== undefined &&
      (isNatural === true || (usingClause?.some((it: Node) => it.String.sval === merged) ?? false));
    const right = this.#place(rarg, { sink: rightSink, before, canMeet: meetSink !== undefined || isTenantMerged });
    sources.forEach((it, i) => (it.isNullable ||= i >= fromLeft && !isInner && (i < fromRight ? !isLeft : !isRight)));
    const isMet = isTenantMerged && asTenant(right)?.column === merged;
    const side = isMet ? left : this.#meet(left, right, meetSink, jointype);
    const about = this.#about(left ?? right);
    context.visit(quals, about);
    if (on.length > 0 || (quals && context.needsBarrier)) {
      const { tokens } = context;
      const keyword = tokens.before(tokens.at(startOf(quals)), 'ON');
      const end = tokens.endOf(keyword + 1, true, 'WHEN');
      // FULL JOIN is looked at behind the filters of both sides.
      context.conjoin(
        keyword,
        end,
        on,
        jointype === 'JOIN_FULL' ? [] : barriersOf(context, quals, keyword, end, about),
      );
    }
    if (!alias) return side;
    this.tables.splice(from);
    const hidden = sources.splice(fromLeft);
    if (hidden.length > 0)
      sources.push({
        name: alias.aliasname,
        raises: () => undefined,
        tenant: undefined,
        holds: hidden.some((it) => it.holds),
        isNullable: false,
      });
    return side === undefined ? undefined : 'hidden';
  }

  /** Two sides are joined within a tenant. */
  #meet(left: Side, right: Side, sink: Sink, jointype: string): Side {
    if (left === undefined || right === undefined) {
      const side = left ?? right;
      const isFilledUp =
        jointype === 'JOIN_FULL' ||
        (jointype === 'JOIN_LEFT' && side === right) ||
        (jointype === 'JOIN_RIGHT' && side === left);
      return side && side !== 'hidden' && isFilledUp ? { ...side, isNullable: true } : side;
    }
    if (left === 'hidden' || right === 'hidden') refuseMeeting('a query in FROM does not tell whose its rows are');
    if (left.isEverybodys || right.isEverybodys) return this.#meetEverybodys(left, right, sink, jointype);
    if (right.isNullable)
      throw new Refusal(
        'rows of reference tables stand before the join of tenant tables',
        'Join the tenant tables first',
      );
    if (!sink) throw new Refusal('tables of several tenants are joined with USING or NATURAL', 'Join them with ON');
    sink(`${right.sql} = ${left.sql}`);
    if (jointype === 'JOIN_RIGHT') return right;
    if (jointype !== 'JOIN_FULL') return left;
    return { sql: `coalesce(${left.sql}, ${right.sql})`, names: [...left.names, ...right.names] };
  }

  /** Rows of everybody are joined with those of any tenant, and keep apart no others that are joined with them. */
  #meetEverybodys(left: Tenant, right: Tenant, sink: Sink, jointype: string): Tenant {
    // Each tenant alone would see such a row without a match, beside those that have one.
    const isOuter =
      (jointype === 'JOIN_LEFT' && left.isEverybodys) ||
      (jointype === 'JOIN_RIGHT' && right.isEverybodys) ||
      jointype === 'JOIN_FULL';
    if (isOuter || left.isNullable || right.isNullable || !sink) {
      throw new Refusal(
        "an outer join keeps rows of everybody, whether or not a tenant's row matches them",
        withTenants,
      );
    }
    const all = (it: Tenant): readonly Tenant[] => [it, ...(it.besides ?? [])];
    for (const a of all(right)) {
      for (const b of all(left)) {
        const everybodys = [a, b].filter((it) => it.isEverybodys).map((it) => `${it.sql} is null`);
        sink(`(${[`${a.sql} = ${b.sql}`, ...everybodys].join(' or ')})`);
      }
    }
    if (!left.isEverybodys) return left;
    if (!right.isEverybodys) return right;
    return { ...left, besides: [...(left.besides ?? []), ...all(right)] };
  }
}

/** A level that is about a tenant of its own: what it names itself does not hide that from the queries in it. */
export const about = (level: Level, anchor: Tenant): Level => ({ ...level, anchor, names: [] });

const withTenants = 'Use db.forTenant(id), or begin with a table whose rows are all of tenants';

/** Of two sides of the same tenant, the one that tells it in each row. */
const telling = (first: Tenant | undefined, second: Side): Tenant | undefined => {
  const other = asTenant(second);
  return first && (!first.isEverybodys || !other || other.isEverybodys) ? first : other;
};

const asTenant = (side: Side): Tenant | undefined => (side === 'hidden' ? undefined : side);

/** The names of the sources of rows of one level. */
export function namesIn(list: readonly Node[] | undefined): string[] {
  return (list ?? []).flatMap(
    ({
      RangeVar,
      RangeSubselect,
      RangeFunction,
      JoinExpr,
      RangeTableSample,
      RangeTableFunc,
      JsonTable,
    }: Node): string[] => {
      if (JoinExpr)
        return [
          ...namesIn([JoinExpr.larg, JoinExpr.rarg]),
          ...[JoinExpr.alias, JoinExpr.join_using_alias].flatMap((it) => it?.aliasname ?? []),
        ];
      if (RangeTableSample) return namesIn([RangeTableSample.relation]);
      const alias = (RangeVar ?? RangeSubselect ?? RangeFunction ?? RangeTableFunc ?? JsonTable)?.alias?.aliasname;
      if (alias !== undefined) return [alias];
      if (RangeVar) return [RangeVar.relname];
      if (RangeTableFunc) return ['xmltable'];
      if (JsonTable) return ['json_table'];
      const call = RangeFunction?.functions[0].List.items[0].FuncCall?.funcname.at(-1).String.sval;
      return call === undefined ? [] : [call];
    },
  );
}
