/** Rows have numbers, and each account counts its own: project 1 is another one for everybody. */
import { Effect } from 'effect';
import type { DbError } from '../../src/effect/index.js';

/**
 * Inserts a row under the next number, and again under another one when somebody was faster.
 *
 * @param last the highest number yet
 */
export const numbered = <A, R>(
  last: Effect.Effect<readonly { readonly id: number | null }[], DbError>,
  insert: (id: number) => Effect.Effect<readonly A[], DbError, R>,
): Effect.Effect<A, DbError, R> =>
  last.pipe(
    Effect.flatMap((rows) => insert((rows[0]?.id ?? 0) + 1)),
    Effect.map((rows) => rows[0]!),
    Effect.retry({
      while: ({ reason }) => reason._tag === 'UniqueViolation' && reason.constraint.endsWith('_pkey'),
      times: 20,
    }),
  );
