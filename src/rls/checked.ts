/** What a check of the start-up needs of a database: apart from the checks, which many applications leave out. */

import { DrizzleQueryError } from 'drizzle-orm';

/** What is asked on behalf of. */
export interface CheckedDatabase {
  readonly session: any;
  readonly relations: Record<string, any>;
  readonly isBound: boolean;
  /** The functions that the application trusts. */
  readonly functions: readonly string[];
  /** The role that reaches every tenant, where `across` names one. */
  readonly across: string | undefined;
}

const databases = new WeakMap<object, CheckedDatabase>();

/** @returns undefined for what `withTenancy` did not return */
export const checkedDatabase = (db: object): CheckedDatabase | undefined => databases.get(db);

/** Lets the checks ask on behalf of what `withTenancy` returned. */
export const checkable = <T extends object>(database: T, on: CheckedDatabase): T => {
  databases.set(database, on);
  return database;
};

const replicas = new WeakMap<object, () => readonly object[]>();

/** Lets the checks ask the replicas of a database, too: each has a login of its own. */
export const hasReplicas = (database: object, all: () => readonly object[]): void => void replicas.set(database, all);

/** A database, and its replicas. */
export const withReplicasOf = <T extends object>(database: T): readonly T[] => [
  database,
  ...((replicas.get(database)?.() ?? []) as readonly T[]),
];

/**
 * The question of a check is long, and nobody's who reads that it failed: the cause says what is wrong, as that the
 * server cannot be reached.
 */
export async function answerTo<T>(question: PromiseLike<T>): Promise<T> {
  try {
    return await question;
  } catch (error) {
    throw (error instanceof DrizzleQueryError && error.cause) || error;
  }
}
