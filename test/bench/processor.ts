/**
 * Processor time of client and server. Unlike the clock, it does not count the time that other programs of the machine
 * took, nor the waiting of either for the other, which one connection has most of.
 */
import { readFileSync } from 'node:fs';

export interface Candidate {
  readonly run: () => Promise<unknown>;
  /** The processes that serve it, if they are of this machine. */
  readonly servers: () => Promise<readonly number[] | undefined>;
}

/** In microseconds, for one call, a number for each round. */
export interface Processor {
  readonly client: number[];
  readonly server: number[];
  readonly both: number[];
}

/**
 * The processes that serve a client, if they are of this machine.
 *
 * @param ask runs a statement on one of its connections
 * @param count how many connections it has
 */
export async function serversOf(
  ask: (text: string) => Promise<readonly any[]>,
  count = 1,
): Promise<number[] | undefined> {
  const rows = await Promise.all(
    Array.from({ length: count }, () => ask('select pg_backend_pid() as pid, pg_sleep(0.05)')),
  );
  try {
    const pids = [...new Set(rows.map(([row]) => row.pid as number))];
    // A server elsewhere may have a number that is somebody else's here.
    return pids.every((pid) => /^postgres/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) && ofProcess(pid) > 0)
      ? pids
      : undefined;
  } catch {
    return undefined;
  }
}

/** What Linux counted for a process. */
const ofProcess = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e3;
const ofThis = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** @returns undefined where the server's process is not to be seen */
export async function processorTimes<Name extends string>(
  candidates: Record<Name, Candidate>,
  { rounds = 21, calls = 240, atOnce = 1 } = {},
): Promise<Record<Name, Processor> | undefined> {
  const names = Object.keys(candidates) as Name[];
  const servers = {} as Record<Name, readonly number[]>;
  for (const name of names) {
    const pids = await candidates[name].servers();
    if (!pids) return undefined;
    servers[name] = pids;
  }
  const times = Object.fromEntries(names.map((it) => [it, { client: [], server: [], both: [] }])) as unknown as Record<
    Name,
    Processor
  >;
  const ofServers = (name: Name) => servers[name].reduce((sum, pid) => sum + ofProcess(pid), 0);
  for (let round = -3; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const { run } = candidates[name];
      let left = calls;
      const one = async () => {
        while (left-- > 0) await run();
      };
      const before = [ofThis(), ofServers(name)] as const;
      await Promise.all(Array.from({ length: atOnce }, one));
      const after = [ofThis(), ofServers(name)] as const;
      const [mine, theirs] = [(after[0] - before[0]) / calls, (after[1] - before[1]) / calls];
      if (round < 0) continue;
      times[name].client.push(mine);
      times[name].server.push(theirs);
      times[name].both.push(mine + theirs);
    }
  }
  return times;
}
