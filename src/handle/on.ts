/** Where handles run, on Drizzle's own handle or on a transaction of it, and how: as promises or as Effects. */
import type { Binding } from '../drivers/binding.js';
import { Marks } from '../drivers/marks.js';
import { Statements } from '../drivers/prepares.js';
import { type Settings, settingsOf, settingsWithin } from '../rls/settings.js';
import type { AnyTenancy } from '../schema/tenancy.js';
import type { ScopedDialect } from '../scope/handles.js';
import { Scope } from '../scope/scope.js';
import type { After, Lasting } from '../scope/session.js';
import { assertTransactions } from './batch.js';
import { FairQueue, type Turn, type Who, whoOf } from './fair.js';
import { tenantName } from './tenant-placeholder.js';
import { Lifetime, transactionConfig } from './transaction.js';
import type { Turns } from './turns.js';

/** How handles run: as promises here, as Effects in another entry point. */
export interface Running {
  /** Drizzle's class of relational queries. */
  readonly relationalQuery: unknown;
  /** `use`, and `after` when it has ended in whichever way. */
  readonly ensuring: (use: () => any, after: () => void) => any;
  readonly action: (run: () => Promise<unknown>) => any;
  /** Runs what may throw a refusal. */
  readonly attempt: (run: () => any) => any;
  readonly after: After;
  readonly lasting: Lasting;
  /** An inner transaction, when those beside it have ended. */
  readonly inner: (outer: Lifetime, run: () => any) => any;
  /** Drizzle's transaction, which sends nothing once it has ended. */
  readonly closing: (tx: any, lifetime: Lifetime) => any;
  /** How handles bind their tenant for row-level security. */
  readonly binding: Binding;
  /** What is done to a builder that `select` gives, or to those that `with` gives. */
  readonly select: <T>(builder: T) => T;
  readonly with: <T>(builders: T) => T;
  /** How handles wait for their turn in a fair queue. */
  readonly turns: Turns;
  /** Is told of each handle. */
  readonly made?: (handle: object) => void;
}

/** What all handles of one `withTenancy` share. */
export interface Shared {
  readonly running: Running;
  readonly relations: Record<string, any>;
  readonly tenancies: readonly AnyTenancy[] | undefined;
  readonly filters: boolean;
  /** Undefined without row-level security. */
  readonly binding: Binding | undefined;
  /** Where row-level security lets statements through that reach several tenants. */
  readonly across: Across | undefined;
  readonly Dialect: new (scope: Scope) => ScopedDialect;
  /** The statements that are prepared without being asked to. */
  readonly statements: Statements | undefined;
  /** Undefined for a driver that takes PostgreSQL's own. */
  readonly marks: Marks | undefined;
  /** Undefined where nobody waits for others. */
  readonly queue: FairQueue | undefined;
  /** The prototype of `query`: a builder for each table of the relations, made when it is asked for. */
  readonly query: object;
}

/** A Drizzle handle whose role sees every tenant's rows, or the name of such a role. */
export type Across = { readonly drizzle: object } | { readonly role: string };

/** Where handles run: on Drizzle's own handle, or on a transaction of it. */
export interface On {
  readonly drizzle: any;
  readonly shared: Shared;
  readonly lifetime: Lifetime | undefined;
  /** Where it is aborted, what has not been sent is not sent. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a transaction, or a savepoint within one.
 *
 * @param given the transaction's settings, in Drizzle's words
 * @param settings what row-level security is told once for the whole of it, where it has one tenant
 */
export function transact(
  { drizzle, shared, lifetime: outer, signal }: On,
  who: () => Who,
  given: unknown,
  settings: Settings | undefined,
  isBound: boolean,
  run: (on: On) => unknown,
) {
  const { running, binding, queue } = shared;
  return running.attempt(() => {
    const config = transactionConfig(given);
    assertTransactions(drizzle.session);
    const open = (turn?: Turn) => {
      const lifetime = new Lifetime(isBound, outer, turn);
      return drizzle.transaction((tx: any) => {
        const body = () =>
          running.ensuring(
            () => {
              turn?.rest();
              return run({ drizzle: running.closing(tx, lifetime), shared, lifetime, signal });
            },
            () => {
              turn?.begin();
              lifetime.end();
            },
          );
        return settings ? binding!.transaction(tx, settings, body) : body();
      }, config);
    };
    if (outer) return running.inner(outer, () => open());
    if (signal?.aborted) return Promise.reject(signal.reason);
    return queue ? running.turns.transaction(queue, who(), open, signal) : open();
  });
}

/** Drizzle's session, whose statements wait for their turn; those of a transaction have its. */
export function inTurn(
  session: any,
  {
    shared: {
      queue,
      running: { turns },
    },
    lifetime,
    signal,
  }: On,
  scope: Scope,
): object {
  const turn = lifetime?.turn;
  if (!turn && !signal && (!queue || lifetime)) return session;
  const execute = (values: any, run: () => unknown) => {
    if (turn) return turns.within(turn, run, signal);
    return queue && !lifetime
      ? turns.statement(queue, whoOf(scope, values?.[tenantName]), run, signal)
      : turns.unless(signal!, run);
  };
  return {
    prepareQuery(...query: unknown[]) {
      const prepared = session.prepareQuery(...query);
      const stream = (values: any, ...more: unknown[]) => {
        const open = () => prepared.stream(values, ...more);
        return queue && !lifetime ? turns.stream(queue, whoOf(scope, values?.[tenantName]), open, signal) : open();
      };
      return {
        execute: (values: any) => execute(values, () => prepared.execute(values)),
        ...(prepared.stream && { stream }),
      };
    },
  };
}

export const roleOf = (across: Across | undefined) => (across && 'role' in across ? across.role : undefined);

/** Drizzle's session, which binds the tenant where that is asked for, and not done. */
export function sessionOf({ drizzle, shared: { binding, across }, lifetime }: On, scope: Scope): object {
  const { session } = drizzle;
  if (!binding || lifetime?.isBound) return session;
  const role = roleOf(across);
  return lifetime
    ? binding.statementsWithin(session, (values) => settingsWithin(scope, role, values), lifetime.transaction)
    : binding.statements(session, (values) => settingsOf(scope, role, values));
}
