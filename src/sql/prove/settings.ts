/** SET LOCAL: settings of a transaction that change no row that is seen. */
import type { Node } from '../parser.js';
import { Refusal } from '../refusal.js';
import { only } from './fields.js';

const safe = new Set(
  (
    'statement_timeout lock_timeout idle_in_transaction_session_timeout transaction_timeout work_mem ' +
    'hash_mem_multiplier ' +
    'maintenance_work_mem application_name timezone datestyle intervalstyle extra_float_digits ' +
    'bytea_output random_page_cost ' +
    'seq_page_cost cpu_tuple_cost cpu_index_tuple_cost cpu_operator_cost effective_cache_size jit jit_above_cost ' +
    'plan_cache_mode max_parallel_workers_per_gather join_collapse_limit from_collapse_limit geqo geqo_threshold ' +
    'synchronous_commit'
  ).split(' '),
);
/** Planner switches, and what extensions for searching add. */
const prefixes = /^(?:enable_[a-z_]+|pg_trgm\.[a-z_]+|hnsw\.[a-z_]+|ivfflat\.[a-z_]+)$/;

export function checkSetting(node: Node): void {
  only(node, 'VariableSetStmt', 'kind name args jumble_args is_local location');
  const { kind, name, args, is_local: isLocal, location } = node;
  if (!isLocal) {
    const reason = 'SET outlasts the transaction, on a connection that others use after it';
    throw new Refusal(reason, 'Write SET LOCAL, in a transaction', location);
  }
  const isKnown = ['VAR_SET_VALUE', 'VAR_SET_DEFAULT'].includes(kind) && (safe.has(name) || prefixes.test(name));
  if (!isKnown || args?.some((it: Node) => !it.A_Const)) {
    throw new Refusal(
      `SET LOCAL ${name ?? ''} could change which rows are seen`,
      'Set it for the role or the database (ALTER ROLE ... SET), or leave it out: timeouts, memory ' +
        'and planner settings may be set here',
      location,
    );
  }
}
