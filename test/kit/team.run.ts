/**
 * What teams write over time, step by step with rows in the tables, and from scratch: RUN=team npx vitest run, on
 * PostgreSQL, or on Citus with NEW_DATABASE, a command that makes an empty database with Citus, of the name that it is
 * given, and prints its URL. TEAMS names some of them, EVERY how often to compare, ONLINE=1 sets `online`.
 */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { createDatabase, onServer } from './database.js';
import { walk } from './team/run.js';
import { onCitus, teams } from './team/teams.js';

const named = (process.env['TEAMS'] ?? '').split(',').filter(Boolean);
const tenancy = { citus: onCitus && { shardCount: 4 }, ...(process.env['ONLINE'] ? { online: true } : {}) };

describe('teams', { timeout: 3_600_000 }, () => {
  for (const team of teams.filter((it) => named.length === 0 || named.includes(it.name))) {
    test(team.name, async () => {
      const drop: (() => Promise<void>)[] = [];
      const fresh = async (name: string) => {
        if (onCitus)
          return execFileSync('sh', ['-c', `${process.env['NEW_DATABASE']} ${name}`], { encoding: 'utf8' }).trim();
        const made = await createDatabase();
        drop.push(made.drop);
        return made.url();
      };
      const problems = await walk(
        team,
        await fresh(`team_${team.name}`),
        () => fresh('team_scratch'),
        onCitus,
        tenancy,
      );
      for (const it of drop) await it();
      if (!onCitus)
        await onServer(...['hard app', 'hard app 2', 'chat reader'].map((it) => `DROP ROLE IF EXISTS "${it}"`));
      expect(problems).toEqual([]);
    });
  }
});
