import { DatabaseStateError } from '../errors.js';

/** What a person does about an error of the server's, by its code, or by its words where Citus passes them on. */
const remedies: readonly (readonly [code: RegExp, words: RegExp, remedy: string])[] = [
  [
    /^53100$/,
    /No space left on device|could not (?:extend|write to) file/i,
    'Make room on the disk of the node that the message is from',
  ],
  [/^53300$/, /too many clients|remaining connection slots/i, 'Raise max_connections, or end sessions that idle'],
  [/^CONNECTION_|^ECONN|^57P0/, /^terminating connection/, 'Start the server again: it ended the connection'],
  [
    /^08/,
    /connection to the remote node|server closed the connection|SSL SYSCALL error|EOF detected|invalid socket|connection not open|Connection refused|the database system is (?:starting up|shutting down)/i,
    'Start the node that does not answer, which "npx drizzle-tenant nodes" names',
  ],
  [
    /(?!)/,
    /replication slot .* already exists/,
    'Drop the replication slot that a stopped run left, which holds back WAL (SELECT pg_drop_replication_slot(...) on its node)',
  ],
  [/^25006$/, /read-only transaction/i, 'Connect to the primary server, as a role whose transactions may write'],
  [/^42501$/, /permission denied|must be owner of/i, 'Use the role that owns the tables, or grant what is refused'],
];

/** @returns the first words of a message; "Correct the cause" where nothing more is known */
export const remedyFor = ({ code = '', message }: Error & { code?: string }): string =>
  remedies.find(([codes, words]) => codes.test(code) || words.test(message))?.[2] ?? 'Correct the cause';

/** The server's words on one line, to stand within a sentence. */
export const saidBy = ({ message }: Error): string => message.replace(/\s+/g, ' ').replace(/[.\s]+$/, '');

/** An error of the server, or of the way to it, that met nobody who knows what was done: with a tag and what to do. */
export function typed(error: Error & { code?: unknown; _tag?: string }): Error & { _tag?: string } {
  const { code } = error;
  if (error._tag || typeof code !== 'string' || !/^(?=.*\d)[\dA-Z]{5}$|^(?:CONNECTION|ECONN)/.test(code)) return error;
  return new DatabaseStateError(
    `${remedyFor(error as Error & { code: string })}, and run the command again: ${saidBy(error)}.`,
    {
      cause: error,
    },
  );
}
