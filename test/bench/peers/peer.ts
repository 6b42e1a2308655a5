/** What each peer is asked, on the tables of test/support/schema.ts and the rows of test/bench/database.ts. */

/**
 * A task by its key; a project with its tasks; tasks with a user's name; a filtered and sorted page; tasks per project;
 * an update by key.
 */
export const questions = ['key', 'nested', 'join', 'page', 'count', 'update'] as const;
export type Question = (typeof questions)[number];

export interface Peer {
  /** For one tenant. What is timed. */
  readonly ask: Readonly<Record<Question, (tenant: string) => Promise<unknown>>>;
  /** An answer as the others have it, to compare it. */
  readonly read: Readonly<Record<Question, (answer: any) => unknown>>;
  readonly close: () => Promise<unknown>;
}

/** What the module of a peer exports. */
export type Open = (url: string, max: number) => Promise<Peer>;
