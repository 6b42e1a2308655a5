/**
 * Processor time of client and server. Unlike the clock, it does not count the time that other programs of the machine
 * took, nor the waiting of either for the other, which one connection has most of.
 */
import { readFileSync } from 'node:fs';
import type postgres from 'postgres';

export interface Candidate {
  readonly run: () => Promise<unknown>;
  /** With one connection. */
  readonly client: postgres.Sql;
}

/** In microseconds, for one call, a number for each round. */
export interface Processor {
  readonly client: number[];
  readonly server: number[];
  readonly both: number[];
}

/** The process that serves a connection, if it is one of this machine. */
async function serverOf(client: postgres.Sql): Promise<number | undefined> {
  const [{ pid }] = (await client`select pg_backend_pid() as pid`) as any;
  try {
    // A server elsewhere may have a number that is somebody else's here.
    return /^postgres/.test(readFileSync(`/proc/${pid}/comm`, 'utf8')) && ofProcess(pid) > 0 ? pid : undefined;
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
export async function processorTimes<Name extends string>(candidates: Record<Name, Candidate>, { rounds = 21, calls = 240 } = {}): Promise<Record<Name, Processor> | undefined> {
  const names = Object.keys(candidates) as Name[];
  const servers = {} as Record<Name, number>;
  for (const name of names) {
    const pid = await serverOf(candidates[name].client);
    if (pid === undefined) return undefined;
    servers[name] = pid;
  }
  const times = Object.fromEntries(names.map((it) => [it, { client: [], server: [], both: [] }])) as unknown as Record<Name, Processor>;
  for (let round = -1; round < rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const { run } = candidates[name];
      const pid = servers[name];
      const before = [ofThis(), ofProcess(pid)] as const;
      for (let i = 0; i < calls; i++) await run();
      const after = [ofThis(), ofProcess(pid)] as const;
      const [mine, theirs] = [(after[0] - before[0]) / calls, (after[1] - before[1]) / calls];
      if (round < 0) continue;
      times[name].client.push(mine);
      times[name].server.push(theirs);
      times[name].both.push(mine + theirs);
    }
  }
  return times;
}
