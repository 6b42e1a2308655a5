/** A database under comparison, on one connection whose changes are all undone. */
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { withTenancy } from '../../src/index.js';
import { relationsConfig } from '../../src/schema/relations.js';

/** What makes the handles over a connection: another one may take the filters away and put policies in their place. */
export type MakeHandles = (drizzleDb: any, relations: any) => any;

export const scopedHandles: MakeHandles = (db, relations) => withTenancy(db, { relations });

export interface SideOptions {
  readonly make?: MakeHandles | undefined;
  /** The role that programs run as; what they leave is read as the one that connects. */
  readonly role?: string | undefined;
  /** False where Drizzle's own handle would not see the rows: policies hide them from it. */
  readonly readsPlainly?: boolean | undefined;
  /** False where the prover is taken away, so that what has to be refused is not. */
  readonly refuses?: boolean | undefined;
  /** False for handles that build each statement anew. */
}

/**
 * A client of node-postgres that stands within one transaction from `begin` to `undo`. What a program sends seems to it
 * as if it were committed: each statement and each transaction of its own is a savepoint here.
 */
class Undoing {
  #depth = 0;
  #names = 0;

  constructor(readonly client: pg.Client) {}

  async query(config: any, values?: unknown[]): Promise<any> {
    const text: string = typeof config === 'string' ? config : config.text;
    const word = /^\s*(begin|commit|rollback|savepoint|release)\b/i.exec(text)?.[1]?.toLowerCase();
    const isNested = word === 'rollback' && /to savepoint/i.test(text);
    if (word === 'begin') {
      this.#depth = 1;
      return this.client.query('savepoint program');
    }
    if (word === 'commit') {
      this.#depth = 0;
      return this.client.query('release savepoint program');
    }
    if (word === 'rollback' && !isNested) {
      this.#depth = 0;
      return this.client.query('rollback to savepoint program');
    }
    // A statement is prepared anew each time, or the names of two programs would meet.
    const sent =
      typeof config === 'string' || config.name === undefined
        ? config
        : { ...config, name: `${config.name}${++this.#names}` };
    if (this.#depth > 0) return this.client.query(sent, values as any);
    const guarded = this.client.query('savepoint statement');
    const result = this.client.query(sent, values as any);
    try {
      const [, done] = await Promise.all([guarded, result]);
      return done;
    } catch (error) {
      this.#depth = 0;
      await this.client.query('rollback to savepoint statement');
      throw error;
    }
  }
}

export interface Side {
  readonly db: any;
  /** Drizzle's own handle, as an application without tenants would have it; undefined where it is not asked. */
  readonly plain: any;
  /** What the handles sent since `begin`. */
  readonly sent: string[];
  /** Whether what has to be refused is. */
  readonly refuses: boolean;
  readonly begin: () => Promise<unknown>;
  /** Whether anything was written since `begin`. */
  readonly wrote: () => Promise<boolean>;
  readonly read: (text: string) => Promise<Record<string, any>>;
  readonly undo: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

export async function openSide(
  url: string,
  relations: any,
  { make = scopedHandles, role, readsPlainly = true, refuses = true }: SideOptions = {},
): Promise<Side> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query("set timezone to 'UTC'; set statement_timeout to '10s'");
  const undoing = new Undoing(client) as any;
  const sent: string[] = [];
  const logger = {
    logQuery: (text: string, params: unknown[]) =>
      void sent.push(JSON.stringify([text, params], (_, value) => (typeof value === 'bigint' ? `${value}n` : value))),
  };
  const db = make(drizzle({ client: undoing, logger }), relations);
  return {
    db,
    sent,
    refuses,
    plain: readsPlainly ? drizzle({ client: undoing, relations: relationsConfig(relations) as any }) : undefined,
    begin: () => {
      sent.length = 0;
      return client.query(role === undefined ? 'begin' : `begin; set local role "${role}"`);
    },
    wrote: async () => {
      if (role !== undefined) await client.query('set local role none');
      return (await client.query('select pg_current_xact_id_if_assigned() is not null as wrote')).rows[0].wrote;
    },
    read: async (text) => [(await client.query(text)) as any].flat().at(-1).rows[0],
    undo: () => client.query('rollback; deallocate all'),
    close: () => client.end(),
  };
}
