import { DatabaseStateError } from '../errors.js';

/** An error of the server's, as the driver gives it: `where` is its context, which names a worker. */
type ServerError = Error & { readonly code?: string; readonly where?: string };

/** What a person does about an error of the server's, by its code, or by its words where Citus passes them on. */
const remedies: readonly (readonly [code: RegExp, words: RegExp, remedy: (node?: string) => string])[] = [
  [
    /^53100$/,
    /No space left on device|could not (?:extend|write to) file|not enough empty space on node/i,
    (node = 'the node that the message is from') => `Make room on the disk of ${node}`,
  ],
  [/^53300$/, /too many clients|remaining connection slots/i, () => 'Raise max_connections, or end sessions that idle'],
  [
    /^CONNECTION_|^ECONN|^57P0/,
    /^terminating connection/,
    () => 'Start the server again (its log says why it ended the connection)',
  ],
  [
    /^08/,
    new RegExp(
      [
        'connection to the remote node|connection error|connection not open|server closed the connection',
        'Connection refused|SSL SYSCALL error|EOF detected|invalid socket|Could not fetch disk stats',
        'failed to (?:connect|COPY) to|could not (?:connect to|receive data from)',
        'the database system is (?:starting up|shutting down|in recovery)',
      ].join('|'),
      'i',
    ),
    (node = 'the node that does not answer, which "npx drizzle-tenant nodes" names') =>
      `Start ${node} (its log says why it stopped, such as a full disk)`,
  ],
  [
    /(?!)/,
    /replication slot .* already exists/,
    () =>
      'Drop the replication slot that a stopped run left, which holds back WAL (SELECT ' +
      'pg_drop_replication_slot(...) on its node)',
  ],
  [
    /^25006$/,
    /read-only transaction|recovery is in progress|during recovery/i,
    () => 'Connect to the primary server, as a role whose transactions may write',
  ],
  [
    /(?!)/,
    /cannot add NOT VALID foreign key on partitioned table/,
    () =>
      'Take NOT VALID out of what adds the foreign key in migration.sql: before PostgreSQL 18 its rows are looked at',
  ],
  [
    /^42501$/,
    /permission denied|must be owner of/i,
    () => 'Use the role that owns the tables, or grant what is refused',
  ],
];

/** Citus names a worker in the message, or in the context of its error. */
const nodeIn = (text: string): string | undefined =>
  /\b(?:on|to|node:?) (?:[\w.-]+@)?([\w.-]+[:-]\d{2,5})\b/.exec(text)?.[1]?.replace(/-(?=\d+$)/, ':');

/** @returns the first words of a message; "Correct the cause" where nothing more is known */
export function remedyFor({ code = '', message, where = '' }: ServerError): string {
  const found = remedies.find(([codes, words]) => codes.test(code) || words.test(message));
  // The context names the node that says so, which is not the one that does not answer. A background task has it too.
  const [said = '', ...context] = `${message}\nCONTEXT: ${where}`.split('\nCONTEXT:');
  return (
    found?.[2](nodeIn(said) ?? (found[0].test('53100') ? nodeIn(context.join('\n')) : undefined)) ?? 'Correct the cause'
  );
}

/** The words of errors where logical replication is not to be had, as a part of a pattern. */
export const noLogicalReplication = 'output plugin|wal_level|to publication|logical (?:replication|decoding)';

/** The server's words on one line, to stand within a sentence. */
export const saidBy = ({ message }: Error): string => message.replace(/\s+/g, ' ').replace(/[.,\s]+$/, '');

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
