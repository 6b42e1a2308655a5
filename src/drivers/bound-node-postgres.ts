/**
 * node-postgres sends a query when the one before it is answered. The settings and the statement are one query to it,
 * in one write with one Sync, which is one transaction: one round trip. On Citus, BEGIN, the settings and the statement
 * are one, and COMMIT is the next: two, or one where the pool is made with `pipeline: true`.
 */
import { UnsupportedTenantOperationError } from '../errors.js';
import { isOnCitus, type Settings, type SettingStatement } from '../rls/settings.js';
import type { Wire } from './wire.js';

type Class = new (...args: any[]) => any;
const classes = new WeakMap<Class, Class | undefined>();

/** A query with statements before it, whose answers it drops. They fail together. */
function bracketedClass(base: Class): Class {
  return class extends base {
    #before: readonly SettingStatement[];
    #unanswered = 0;
    #name: string | undefined;

    constructor(before: readonly SettingStatement[], config: unknown, values: unknown, callback: unknown) {
      super(config, values, callback);
      this.#before = before;
    }

    /** A query without parameters would be sent by itself, and not what comes before it. */
    requiresPreparation() {
      return true;
    }

    prepare(connection: any) {
      for (const { text, values } of this.#before) {
        connection.parse({ text, name: '' });
        connection.bind({ portal: '', statement: '', values });
        connection.execute({ portal: '', rows: 0 });
      }
      this.#unanswered = this.#before.length;
      super.prepare(connection);
      // The client takes the first answer to a parse for that of the query that has a name.
      this.#name = (this as any).name;
      if (this.#unanswered > 0) (this as any).name = undefined;
    }

    handleCommandComplete(message: unknown, connection: any) {
      if (this.#unanswered === 0) return super.handleCommandComplete(message, connection);
      if (--this.#unanswered === 0) (this as any).name = this.#name;
    }

    handleError(error: unknown, connection: any) {
      if (this.#unanswered > 0 && this.#name) delete connection.submittedNamedStatements[this.#name];
      this.#unanswered = 0;
      return super.handleError(error, connection);
    }
  };
}

/** The class for a client or a pool; undefined where queries are not what they are in node-postgres. */
function classFor(client: any): Class | undefined {
  const base: Class | undefined = (client.Client ?? client.constructor).Query;
  const parts = ['requiresPreparation', 'prepare', 'handleCommandComplete', 'handleError'];
  if (!base || !parts.every((it) => typeof base.prototype?.[it] === 'function')) return undefined;
  if (!classes.has(base)) classes.set(base, bracketedClass(base));
  return classes.get(base);
}

const send = (
  Bracketed: Class,
  client: any,
  before: readonly SettingStatement[],
  config: unknown,
  values?: unknown,
): Promise<any> =>
  new Promise((resolve, reject) => {
    client.query(
      new Bracketed(before, config, values, (error: unknown, result: unknown) =>
        error ? reject(error) : resolve(result),
      ),
    );
  });

/** On one client, whose queries wait for each other. COMMIT ends what failed, too. */
async function bracketed(
  Bracketed: Class,
  client: any,
  before: readonly SettingStatement[],
  config: unknown,
  values: unknown,
): Promise<unknown> {
  const [statement, commit] = await Promise.allSettled([
    send(Bracketed, client, before, config, values),
    client.query('commit'),
  ]);
  if (statement.status === 'rejected') throw statement.reason;
  if (commit.status === 'rejected') throw commit.reason;
  if (commit.value.command !== 'COMMIT')
    throw new UnsupportedTenantOperationError(
      'Leave the transaction to the handle: the statement ended it, and nothing of it was kept.',
    );
  return statement.value;
}

/** Clients and pools whose server passes on to others only what is set within BEGIN and COMMIT. */
const onCitus = new WeakSet<object>();

/** On one client. In a pipeline behind others, a pooler might give the server away between the parts of one query. */
async function bound(
  Bracketed: Class,
  client: any,
  on: object,
  { first, tenant, statement }: Settings,
  config: unknown,
  values: unknown,
): Promise<unknown> {
  if (statement && !client.pipeline && !onCitus.has(on)) {
    try {
      return await send(Bracketed, client, [statement], config, values);
    } catch (error) {
      // It came first, and nothing else was run.
      if (!isOnCitus(error)) throw error;
      onCitus.add(on);
    }
  }
  return bracketed(Bracketed, client, textsOf(['begin', first, ...tenant]), config, values);
}

const textsOf = (texts: readonly string[]): SettingStatement[] => texts.map((text) => ({ text, values: [] }));

/** Whether the server itself said this, and goes on. */
const isAnswer = (error: any) => typeof error?.severity === 'string' && error.severity !== 'FATAL';

export const nodePostgres: Wire = {
  bracketing(client, settings) {
    const Bracketed = classFor(client);
    if (!Bracketed) return undefined;
    if (!client.Client)
      return {
        query: (config: unknown, values: unknown) => bound(Bracketed, client, client, settings, config, values),
      };
    return {
      async query(config: unknown, values: unknown) {
        const lent = await client.connect();
        let lost: unknown;
        const onError = (error: unknown) => void (lost ??= error);
        lent.on('error', onError);
        try {
          return await bound(Bracketed, lent, client, settings, config, values);
        } catch (error) {
          if (!isAnswer(error as any) && !('_tag' in (error as object))) lost ??= error;
          throw error;
        } finally {
          if (!lost) lent.off('error', onError);
          lent.release(lost);
        }
      },
    };
  },
  within(client, { first, tenant }, after) {
    const Bracketed = client.Client ? undefined : classFor(client);
    if (!Bracketed) return undefined;
    return {
      async query(config: unknown, values: unknown) {
        const queries = [
          send(Bracketed, client, textsOf([first, ...tenant]), config, values),
          ...after.map((text) => client.query(text)),
        ];
        const [statement, ...back] = await Promise.allSettled(queries);
        for (const answer of [statement!, ...back]) if (answer.status === 'rejected') throw answer.reason;
        return (statement as PromiseFulfilledResult<unknown>).value;
      },
    };
  },
  async set(client, { first, tenant }) {
    const Bracketed = classFor(client);
    const texts = [first, ...tenant];
    if (Bracketed) return send(Bracketed, client, textsOf(texts.slice(0, -1)), texts.at(-1));
    for (const text of texts) await client.query(text);
  },
};
