/**
 * The gate. What a scoped handle sends is text and parameters, so the text is where it is confined, and where it is
 * proved, on PostgreSQL's own grammar. Nothing is sent that did not come out of `pass`.
 *
 *   a text that was met before:  one look-up
 *   a new one:                   parse it, `confine` it, parse what comes out, `prove` that, keep it
 *
 * `confine` puts predicates into the text, and may be wrong: `prove` reads what came out anew, knows nothing of how it
 * came about, and refuses what it cannot show to be the tenant's. So the argument is this:
 * 1. The text that is sent is the text that was proved. It is kept by what the proof depends on: the text, the number
 *    of its parameters, the reach, the tenancy (the object, not its name), the tables known so far, and what the
 *    handles of one `withTenancy` share, which has a gate of its own: write-only mode and the functions that are
 *    trusted.
 * 2. The tenant is one parameter, behind the statement's own. The gate adds it itself.
 * 3. Where a row of the statement's own names its tenant, `prove` gives the number of that parameter: a guard. What is
 *    given to the driver there is the handle's own encoded tenant, a primitive, or the statement is not sent.
 */
import { RawSqlNotScopedError, UnscopedTableError, UnsupportedTenantOperationError } from '../errors.js';
import { classOf, declaredTables, markOf } from '../schema/classify.js';
import { allDeclared, declaredOf } from './declared.js';
import type { AnyTenancy } from '../schema/tenancy.js';
import { confine } from '../sql/confine/index.js';
import type { Assigned, Given } from '../sql/given.js';
import type { Parse } from '../sql/load.js';
import { statementOf, type Node } from '../sql/parser.js';
import { prove } from '../sql/prove/prove.js';
import { placeOf, Refusal } from '../sql/refusal.js';
import { Tables, type Declared } from '../sql/tables.js';
import { fold, seamsOf, unfold, type Folded, type Seams } from './fold.js';
import type { Scope } from './scope.js';
import { Texts } from './texts.js';

/** A text that may be sent, and what has to be sent with it. */
export interface Passed {
  readonly text: string;
  /** The number of the statement's own parameters. */
  readonly count: number;
  /** Whether the tenant is the parameter behind them. */
  readonly usesTenant: boolean;
  /** The numbers of the parameters that stand where a row names its tenant. */
  readonly guards: readonly number[];
  /** Those of them that may be null, which makes the row everybody's. */
  readonly orEverybody: readonly number[];
  /** Those of them that the tenant column of a row is set to. */
  readonly assigned: readonly Assigned[];
  /** Whose tenants' rows it touches; undefined for one that touches none. */
  readonly tenancy: AnyTenancy | undefined;
  readonly bytes: number;
  /** Where its long lists are put back. */
  readonly seams?: Seams | undefined;
}

/** Why a text is refused. An error is made anew each time, so that its stack tells where. */
interface Refused {
  readonly error: () => Error;
  readonly bytes: number;
}

/** What became of the texts of one reach and tenancy: a refusal holds for these alone, as a proof does. */
interface Kept {
  readonly passed: Texts<Passed>;
  readonly refused: Texts<Refused>;
}

const passedBytes = 8 * 2 ** 20;
const refusedBytes = 2 ** 18;

export class Gate {
  readonly #own: Iterable<object>;
  readonly #filters: boolean;
  readonly #functions: ReadonlySet<string>;
  #tables: Tables | undefined;
  #known = -1;
  #kept = new Map<AnyTenancy | undefined, Partial<Record<string, Kept>>>();
  #recognized = new WeakSet<object>();

  /**
   * @param own the tables and views of the handles: what they say of a name holds
   * @param filters false in write-only mode
   * @param functions the application's own, which a statement may call
   */
  constructor(own: Iterable<object>, filters: boolean, functions: ReadonlySet<string>) {
    this.#own = own;
    this.#filters = filters;
    this.#functions = functions;
  }

  /**
   * @param scope whose rows
   * @param text as Drizzle rendered it for one tenant, or as somebody wrote it by hand
   * @param count how many parameters it was given
   * @throws the typed errors, with the place and the remedy
   */
  pass(parse: Parse, scope: Scope, text: string, count: number): Passed {
    if (this.#known !== declaredTables().length) this.#declare();
    const { reach, tenancy } = scope;
    const kept = this.#keptOf(reach.kind, tenancy);
    const passed = this.#folded(parse, scope, text, count, kept) ?? this.#find(parse, scope, text, count, kept, text);
    scope.learn(passed.tenancy);
    return reach.kind === 'all'
      ? { ...passed, text: `${passed.text}${passed.text.includes('--') ? '\n' : ' '}${commentOf(reach.reason)}` }
      : passed;
  }

  /**
   * What the handle's own tables say of a name holds, whatever else is declared by it. A table that a builder is given
   * and that was made a tenant's since is not read as what it was: of this the text alone tells nothing.
   *
   * @throws UnscopedTableError where the handle has a table of that name which shows every tenant's rows
   */
  recognize(table: object): void {
    if (this.#known !== declaredTables().length) this.#declare();
    const mark = markOf(table);
    const declared = mark && !this.#recognized.has(mark) && declaredOf(table);
    if (!declared) return;
    if (this.#tables!.showsMore(declared)) throw redeclared(declared);
    this.#recognized.add(mark);
  }

  /**
   * @param refusal why a text was refused
   * @param tables what it was built from
   * @returns the same, or its cause where one of the tables was declared otherwise when the handle was made
   */
  explained(refusal: unknown, tables: Iterable<object>): unknown {
    for (const table of tables) {
      const declared = declaredOf(table);
      if (declared && this.#tables!.isRedeclared(declared))
        return Object.assign(redeclared(declared), { cause: refusal });
    }
    return refusal;
  }

  /** A text with long lists, of which all lengths are met once. */
  #folded(parse: Parse, scope: Scope, text: string, count: number, kept: Kept): Passed | undefined {
    const folded = fold(text, count);
    if (!folded) return undefined;
    const key = `${folded.cuts.map((it) => `${+it.isRows} ${it.last} ${it.first.length}`).join()}\0${folded.text}`;
    const met = this.#find(parse, scope, folded.text, folded.count, kept, key, folded);
    if (!met.seams) return undefined;
    const whole = unfold(folded, met.seams, folded.count + 1, count, met, scope.reach.kind === 'one');
    return whole && { ...met, ...whole, count };
  }

  #find(parse: Parse, scope: Scope, text: string, count: number, kept: Kept, key: string, folded?: Folded): Passed {
    const texts = kept.passed;
    // The same text means another statement with more parameters, or with fewer.
    let passed = texts.get(key);
    if (passed && passed.count !== count) passed = texts.get(`${count}\0${key}`);
    if (!passed) {
      passed = this.#meet(parse, scope, text, count, kept.refused);
      if (folded) {
        const { text: sent, guards } = passed;
        passed = {
          ...passed,
          seams: seamsOf(folded, sent, statementOf(parse, sent), count + 1, guards, scope.reach.kind === 'shared'),
        };
      }
      texts.add(texts.has(key) ? `${count}\0${key}` : key, passed);
    }
    return passed;
  }

  #meet(parse: Parse, { reach, tenancy }: Scope, text: string, count: number, refused: Texts<Refused>): Passed {
    const key = `${count}\0${text}`;
    const known = refused.get(key);
    if (known) throw known.error();
    const given: Given = {
      reach: reach.kind,
      filters: this.#filters,
      tenancy,
      tables: this.#tables!,
      functions: this.#functions,
      count,
    };
    let [sent, at] = [text, text];
    try {
      const statement = statementOf(parse, text);
      if (statement.RefreshMatViewStmt) return this.#refresh(statement.RefreshMatViewStmt.relation, given, text);
      sent = confine(statement, text, given).text;
      at = sent;
      const { tables, guards, orEverybody, assigned, usesTenant } = prove(parse, sent, given);
      for (const { table } of tables) classOf(table)?.validate();
      const found = tables.find((it: Declared) => it.tenant)?.tenant?.tenancy as AnyTenancy | undefined;
      return {
        text: sent,
        count,
        usesTenant,
        guards,
        orEverybody,
        assigned,
        tenancy: found,
        bytes: 2 * (text.length + sent.length) + 200,
      };
    } catch (cause) {
      const error = errorFor(cause, at);
      // What is not understood may be for want of stack, and be understood the next time.
      if (cause instanceof Refusal || isTyped(cause)) refused.add(key, { error, bytes: 2 * key.length + 200 });
      throw error();
    }
  }

  /** A materialized view holds every tenant's rows, and is refreshed for all of them. */
  #refresh({ schemaname, relname, location }: Node, { reach, tables, count }: Given, text: string): Passed {
    tables.find(schemaname, relname, location);
    if (reach !== 'all') {
      throw new UnsupportedTenantOperationError(
        "Refresh a materialized view with db.acrossTenants({ reason }): it holds every tenant's rows, " +
          'and is refreshed for all of them.',
      );
    }
    return {
      text,
      count,
      usesTenant: false,
      guards: [],
      orEverybody: [],
      assigned: [],
      tenancy: undefined,
      bytes: 4 * text.length,
    };
  }

  #keptOf(kind: string, tenancy: AnyTenancy | undefined): Kept {
    let ofTenancy = this.#kept.get(tenancy);
    if (!ofTenancy) this.#kept.set(tenancy, (ofTenancy = {}));
    return (ofTenancy[kind] ??= { passed: new Texts(passedBytes), refused: new Texts(refusedBytes) });
  }

  /** A table that was declared since may be what a name in a kept text means: nothing of it holds any more. */
  #declare(): void {
    this.#known = declaredTables().length;
    this.#tables = new Tables(allDeclared(this.#own), allDeclared(declaredTables()));
    this.#kept = new Map();
    this.#recognized = new WeakSet();
  }
}

const redeclared = ({ name }: Declared) =>
  new UnscopedTableError(
    name,
    `Call withTenancy() again after "${name}" is declared: this handle was made with another declaration ` +
      'of that name. ' +
      'Where a development server evaluates modules again, keep the client of the driver on globalThis, ' +
      'and make the handles in the module.',
  );

/** The reason of a handle that crosses tenants: a comment that nothing in it ends. */
export const commentOf = (reason: string) =>
  `/* ${reason.replaceAll('\0', '').replaceAll('*/', '* /').replaceAll('/*', '/ *')} */`;

function errorFor(cause: unknown, text: string): () => Error {
  if (cause instanceof Refusal) {
    const { reason, remedy, location } = cause;
    const place = placeOf(text, location);
    return () => new RawSqlNotScopedError(reason, place, remedy);
  }
  if (isTyped(cause))
    return () =>
      Object.assign(Object.create(Object.getPrototypeOf(cause)), cause, { message: cause.message, stack: cause.stack });
  // A stack that overflows, a node in a shape that is not known: nothing is proved.
  return () =>
    Object.assign(
      new RawSqlNotScopedError(
        'it is not understood',
        '',
        "Write a simpler statement, or use the handle's own methods",
      ),
      { cause },
    );
}

const isTyped = (cause: unknown): cause is Error =>
  cause instanceof Error && typeof (cause as { _tag?: unknown })._tag === 'string';
