/** Proves that every tenant table in a statement, at any depth, is bound to the tenant. What it does not know, it refuses. */
import { declaredTables } from '../../schema/classify.js';
import { RawSqlNotScopedError } from '../../schema/index.js';
import { kindOf, words } from './fields.js';
import { loadParser, type Parse } from '../load.js';
import { statementOf } from '../parser.js';
import { Proof } from './proof.js';
import { placeOf, Refusal } from '../refusal.js';
import { select } from './select.js';
import { allDeclared } from '../../schema/declared.js';
import { Tables, type Declared } from '../tables.js';
import { typeOf } from './types.js';
import { write } from './write.js';

/** A statement as it would be sent, and whose it must be. */
export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
  /** The values of the tenant, as text; undefined for a statement over reference tables only, which may write them. */
  readonly tenants: ReadonlySet<string> | undefined;
  /** Whether a parameter is the tenant's in another way than by its value. */
  readonly carries?: ((param: unknown) => boolean) | undefined;
}

/** What was found of a text, kept for the next time. */
interface Answer {
  readonly tables: readonly Declared[];
  readonly error: (() => RawSqlNotScopedError) | undefined;
  readonly literal: boolean;
}

const maxTexts = 1_000;
const maxAnswers = 16;
const maxKeptLength = 10_000;

export class Prover {
  readonly #own: readonly Declared[];
  readonly #answers = new Map<string, Map<string, Answer>>();
  #tables: Tables;
  #declared = -1;

  /** @param own the tables of the handle; every other table of the process is known too */
  constructor(own: Iterable<object>) {
    this.#own = allDeclared(own);
    this.#tables = new Tables(this.#own);
    Object.freeze(this);
  }

  /**
   * @returns the tenant and reference tables that the statement names
   * @throws RawSqlNotScopedError with the place and the remedy, unless each tenant table is bound to the tenant
   */
  async prove(statement: Statement): Promise<readonly Declared[]> {
    const { error, tables } = this.#answer(await loadParser(), statement);
    if (error) throw error();
    return tables;
  }

  #answer(parse: Parse, { text, params, tenants, carries }: Statement): Answer {
    if (this.#declared !== declaredTables().length) {
      this.#declared = declaredTables().length;
      this.#tables = new Tables(this.#own, allDeclared(declaredTables()));
      this.#answers.clear();
    }
    const carriers = new Set<number>();
    params.forEach((param, i) => {
      const isValue = typeof param === 'string' || typeof param === 'number' || typeof param === 'bigint';
      if ((isValue && tenants?.has(String(param))) || carries?.(param)) carriers.add(i + 1);
    });
    const key = `${tenants ? '' : 'shared'}:${[...carriers].join()}`;
    const answers = this.#answersTo(text);
    const withLiteral = () => `${key}:${JSON.stringify([...(tenants ?? [])].sort())}`;
    const known = answers.get(key) ?? answers.get(withLiteral());
    if (known) return known;
    const answer = proved(parse, text, this.#tables, tenants, carriers);
    if (text.length > maxKeptLength) return answer;
    if (answers.size >= maxAnswers) answers.delete(answers.keys().next().value!);
    answers.set(answer.literal ? withLiteral() : key, answer);
    return answer;
  }

  /** The answers to a text, which becomes the one used last. */
  #answersTo(text: string): Map<string, Answer> {
    const known = this.#answers.get(text);
    if (known) this.#answers.delete(text);
    if (text.length > maxKeptLength) return new Map();
    if (!known && this.#answers.size >= maxTexts) this.#answers.delete(this.#answers.keys().next().value!);
    const answers = known ?? new Map<string, Answer>();
    this.#answers.set(text, answers);
    return answers;
  }
}

function proved(parse: Parse, text: string, tables: Tables, tenants: ReadonlySet<string> | undefined, carriers: ReadonlySet<number>): Answer {
  const proof = new Proof({ tables, tenants, carriers, typeNamed: (type) => typeNamed(parse, type) });
  try {
    const [kind, node] = kindOf(statementOf(parse, text));
    if (kind === 'SelectStmt') select(proof, node, undefined, undefined);
    else if (!write(proof, kind, node, undefined, undefined)) {
      throw new Refusal(`${words(kind.replace(/Stmt$/, ''))} is no query, INSERT, UPDATE or DELETE`, "Use the handle's own methods");
    }
    proof.end();
    return { tables: [...proof.touched], error: undefined, literal: proof.literal };
  } catch (cause) {
    // Anything else that goes wrong on the way, a stack that overflows or a node in a shape that is not known, proves nothing.
    const { reason, remedy, location } =
      cause instanceof Refusal ? cause : new Refusal('it is not understood', 'Write a simpler statement, or use the handle\'s own methods');
    const place = placeOf(text, location);
    const error = () => Object.assign(new RawSqlNotScopedError(reason, place, remedy), cause instanceof Refusal ? {} : { cause });
    return { tables: [], error, literal: proof.literal };
  }
}

const types = new Map<string, string | undefined>();

/** PostgreSQL's own name of a declared type. */
export function typeNamed(parse: Parse, type: string): string | undefined {
  if (!types.has(type)) {
    let name: string | undefined;
    try {
      const [, query] = kindOf(statementOf(parse, `select null::${type}`));
      name = typeOf(query.targetList[0].ResTarget.val.TypeCast.typeName);
    } catch {
      name = undefined;
    }
    types.set(type, name);
  }
  return types.get(type);
}
