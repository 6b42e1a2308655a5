/**
 * What a cancelled statement leaves behind on Citus. The coordinator passes a cancellation on to a worker once, and
 * hangs up. PostgreSQL does not hear a cancellation that comes between two messages of one statement, as while a
 * worker binds the parameters and loads its JIT compiler: the worker's statement then runs on, for nobody.
 */

/** Runs a statement on a connection of its own. @returns the first column of its first row */
export type Ask = (text: string, params?: readonly unknown[]) => Promise<unknown>;

const hasCitus = "select exists (select from pg_extension where extname = 'citus')";

// A worker's process has the id of the coordinator's in its name. Once the coordinator has answered, those that it
// keeps are idle: one that is not has nobody to answer, and might not hear a second cancellation either.
const end = `select coalesce(sum(result::int), 0)::int from run_command_on_all_nodes(format(
  'select count(pg_terminate_backend(pid, 1000)) from pg_stat_activity
   where state = ''active'' and application_name = %L',
  'citus_internal gpid=' || citus_calculate_gpid(citus_nodeid_for_gpid(citus_backend_gpid()), $1::int)
)) where success`;

/**
 * @param ask asks the coordinator
 * @returns ends what a process of the coordinator has left running on the workers; on plain PostgreSQL it does nothing
 */
export function strays(ask: Ask): (pid: number) => Promise<void> {
  let isCitus: unknown;
  return async (pid) => {
    isCitus ??= await ask(hasCitus);
    while (isCitus && Number(await ask(end, [pid])) > 0);
  };
}
