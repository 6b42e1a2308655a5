/** One statement while it is confined: queries, UPDATE and DELETE, and whatever has queries in it. */
import { ImmutableTenantError, UnscopedTableError } from '../../errors.js';
import { barriersOf } from './barrier.js';
import { Context, refuseMeeting, type Level } from './context.js';
import { From, namesIn } from './from.js';
import { neededColumns } from './group.js';
import { insert } from './insert.js';
import { merge } from './merge.js';
import type { Node } from '../parser.js';
import { noQuery } from './no-query.js';
import { Refusal } from '../refusal.js';
import { type Ctes, isTable, RowsReader } from './rows.js';
import type { Declared } from '../tables.js';
import { startOf } from '../tokens.js';

export class Statement extends Context {
  readonly #rows = new RowsReader(this.given);

  run(tree: Node): void {
    const top: Level = {
      parent: undefined,
      ctes: undefined,
      anchor: undefined,
      names: [],
      alone: { count: 0 },
      sources: [],
    };
    const { ExplainStmt } = tree;
    if (ExplainStmt && this.given.reach === 'all') return this.visit(ExplainStmt.query, top);
    if (ExplainStmt)
      throw new Refusal('EXPLAIN tells how many rows others have', 'Use db.acrossTenants({ reason }) for EXPLAIN');
    // A setting names no table: which ones are harmless is the prover's to say.
    if (tree.VariableSetStmt) return;
    if (!tree.SelectStmt && !tree.InsertStmt && !tree.UpdateStmt && !tree.DeleteStmt && !tree.MergeStmt)
      throw noQuery(tree);
    if (tree.SelectStmt) this.select(tree.SelectStmt, top);
    else this.visit(tree, top);
  }

  visit(node: Node, level: Level): void {
    if (node === null || typeof node !== 'object') return;
    for (const key in node) {
      const value = node[key];
      if (typeof value !== 'object') continue;
      switch (key) {
        case 'SelectStmt':
          this.#subquery(value, level);
          break;
        case 'InsertStmt':
          insert(this, value, level);
          break;
        case 'UpdateStmt':
          this.#change(value, value.fromClause, level);
          break;
        case 'DeleteStmt':
          this.#change(value, value.usingClause, level);
          break;
        case 'MergeStmt':
          merge(this, this.#rows, value, level);
          break;
        case 'RangeVar':
          throw new Refusal(
            'a table is named where none is expected',
            'Write the statement without it',
            value.location,
          );
        case 'CurrentOfExpr':
          throw new Refusal('a cursor names the row', 'Name the row by its key');
        case 'ParamRef':
          if (!(value.number <= this.given.count))
            throw new Refusal(`there is no parameter $${value.number}`, 'Interpolate the value', value.location);
          break;
        case 'MultiAssignRef':
          // `(a, b) = (select ...)` stands in the tree once for each column.
          if (value.colno === 1) this.visit(value.source, level);
          break;
        default:
          this.visit(value, level);
      }
    }
  }

  /** A query within an expression. */
  #subquery(node: Node, level: Level): void {
    if (
      this.isMany &&
      !level.anchor &&
      this.#rows.of('SelectStmt', node, level.ctes).holds &&
      ++level.alone.count > 1
    ) {
      refuseMeeting('queries within one read the rows of several tenants beside each other', startOf(node));
    }
    this.select(node, level);
  }

  /** What WITH names, for what stands behind it. */
  with(clause: Node | undefined, around: Level): Level {
    let { ctes } = around;
    const level = (): Level => ({ ...around, ctes });
    if (clause?.recursive)
      for (const { CommonTableExpr: it } of clause.ctes) ctes = { name: it.ctename, rows: undefined, outer: ctes };
    const isOpen = this.isMany && !around.anchor;
    const known = isOpen && clause ? this.#rows.with(clause, around.ctes) : undefined;
    if (clause?.recursive && known) ctes = known;
    for (const { CommonTableExpr: cte } of clause?.ctes ?? []) {
      const rows = known && rowsIn(known, around.ctes, cte.ctename);
      if (rows?.holds && !rows.isApart) {
        refuseMeeting(`what "${cte.ctename}" counts, limits or compares is of several tenants`, cte.location);
      }
      const query = cte.ctequery.SelectStmt;
      if (query) this.select(query, { ...level(), alone: { count: 0 } });
      else this.visit(cte.ctequery, level());
      if (!clause.recursive) ctes = { name: cte.ctename, rows, outer: ctes };
    }
    return level();
  }

  select(node: Node, around: Level, isLocked = false): void {
    const {
      withClause,
      fromClause,
      whereClause,
      groupClause,
      op,
      larg,
      rarg,
      lockingClause,
      intoClause,
      limitCount,
      limitOffset,
      ...rest
    } = node;
    if (intoClause)
      throw new Refusal(
        'SELECT INTO makes a table',
        'Put the rows into a CTE (WITH ... AS MATERIALIZED), or create the table in a migration',
        intoClause.rel?.location,
      );
    const outer = this.with(withClause, around);
    if (op !== 'SETOP_NONE') {
      this.select(larg, outer);
      this.select(rarg, outer);
    }
    const level: Level = {
      ...outer,
      parent: around,
      names: this.isMany ? namesIn(fromClause) : [],
      alone: { count: 0 },
      sources: [],
    };
    const where: string[] = [];
    const from = new From(this, this.#rows, level, where, (name) => isLocked || locks(lockingClause, name));
    from.add(fromClause);
    const { inside } = from;
    this.visit(rest, inside);
    // What LIMIT says is one value for the whole query: nothing in it is of a row's tenant.
    this.visit([limitCount, limitOffset], { ...inside, anchor: undefined });
    this.visit(groupClause, inside);
    this.visit(whereClause, inside);
    if (node.havingClause && this.needsBarrier) this.#having(node.havingClause, inside);
    if (isTable(node)) this.#table(node, where);
    else if (where.length > 0 || (whereClause && this.needsBarrier)) {
      this.#where(whereClause, where, inside, () =>
        this.tokens.endOf(this.tokens.before(this.tokens.at(startOf(fromClause[0])), 'FROM') + 1),
      );
    }
    if (this.given.reach !== 'one' || !groupClause) return;
    const added = neededColumns(groupClause, node.targetList, from.tables, from.merged);
    if (added.length > 0) {
      const { tokens } = this;
      let by = tokens.before(tokens.at(startOf(groupClause)), 'BY');
      if (node.groupDistinct) by++;
      this.splices.insert(tokens.end(by), ` ${added.join(', ')},`);
    }
  }

  /** What `table x` selects where that is more than all, since it has no list of it. */
  readonly listed = new Map<Node, string>();

  /** `table x`, which becomes a SELECT where it needs a WHERE. */
  #table(node: Node, where: readonly string[]): void {
    const { tokens, splices } = this;
    const listed = this.listed.get(node);
    if (where.length === 0 && listed === undefined) return;
    const table = tokens.before(tokens.at(startOf(node.fromClause[0])), 'TABLE');
    splices.replace(tokens.start(table), tokens.end(table), `select ${listed ?? '*'} from`);
    if (where.length > 0) this.#where(undefined, where, undefined, () => tokens.endOf(table + 1));
  }

  /** UPDATE and DELETE. */
  #change(node: Node, sources: readonly Node[] | undefined, around: Level): void {
    const { withClause, relation, whereClause, targetList, returningClause } = node;
    const outer = this.with(withClause, around);
    const table = this.target(relation);
    this.keepsTenant(targetList, table);
    const level: Level = {
      ...outer,
      parent: around,
      names: this.isMany ? namesIn([...(sources ?? []), { RangeVar: relation }]) : [],
      alone: { count: 0 },
      sources: [],
    };
    const where: string[] = [];
    const from = new From(this, this.#rows, level, where);
    from.addTarget(relation, table, (it) => void where.push(it));
    from.add(sources);
    this.visit([targetList, whereClause, returningClause], from.inside);
    if (where.length > 0 || (whereClause && this.needsBarrier))
      this.#where(whereClause, where, from.inside, () => this.tokens.endOf(this.tokens.at(relation.location)));
  }

  #where(given: Node | undefined, predicates: readonly string[], level: Level | undefined, end: () => number): void {
    const { tokens } = this;
    if (!given || !level) return this.splices.insert(tokens.end(end() - 1), ` where ${predicates.join(' and ')}`);
    const keyword = tokens.before(tokens.at(startOf(given)), 'WHERE');
    const last = tokens.endOf(keyword + 1);
    this.conjoin(keyword, last, predicates, barriersOf(this, given, keyword, last, level));
  }

  /** What HAVING says of columns is looked at before rows are grouped. */
  #having(given: Node, level: Level): void {
    const { tokens } = this;
    const keyword = tokens.before(tokens.at(startOf(given)), 'HAVING');
    const end = tokens.endOf(keyword + 1);
    this.conjoin(keyword, end, [], barriersOf(this, given, keyword, end, level, true));
  }

  /** The table that is written. A common table expression of its name does not hide it. */
  target(relation: Node): Declared {
    const table = this.find(relation);
    if (table.isView) throw new Refusal(`"${relation.relname}" is a view`, 'Write the table itself', relation.location);
    if (!table.tenant && this.given.reach !== 'shared') {
      throw new UnscopedTableError(
        table.name,
        `Write "${table.name}" through db.shared: a reference table is shared by all tenants, and a scoped ` +
          'handle only reads it.',
      );
    }
    return table;
  }

  /**
   * Refuses a SET that names the tenant column, but for a parameter: whether that is the tenant again, the gate sees.
   */
  keepsTenant(list: readonly Node[] | undefined, table: Declared): void {
    const column = table.tenant?.column;
    if (
      column !== undefined &&
      list?.some(({ ResTarget: it }: Node) => it.name === column && !(this.given.reach === 'one' && it.val?.ParamRef))
    )
      throw new ImmutableTenantError(table.name, column);
  }
}

/** Whether FOR UPDATE or FOR SHARE locks the rows of what has a name. */
const locks = (clauses: readonly Node[] | undefined, name: string): boolean =>
  clauses?.some(
    ({ LockingClause: { lockedRels } }: Node) =>
      !lockedRels || lockedRels.some(({ RangeVar }: Node) => RangeVar.relname === name),
  ) ?? false;

function rowsIn(ctes: Ctes, outer: Ctes | undefined, name: string) {
  for (let it: Ctes | undefined = ctes; it && it !== outer; it = it.outer) if (it.name === name) return it.rows;
  return undefined;
}
