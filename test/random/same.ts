/** Runs a program that was pasted: on databases of its own, with the comparison that found it. */
import pg from 'pg';
import { expect, inject } from 'vitest';
import { compare, Compared, type Run } from './compare.js';
import { ddlOfModules } from './pool.js';
import { openSide, type SideOptions } from './side.js';
import type { Module, Whose } from './state.js';

export interface Same {
  readonly schema: () => Module;
  readonly whose: (schema: any) => Whose;
  /** Statements that fill the database of many tenants, and the one of its own alone. */
  readonly many: string;
  readonly alone: string;
  readonly program: (given: any, schema: any) => Promise<unknown>;
  /** Drizzle's own handle, over the tenants alone, has to give the same. */
  readonly readsPlainly?: boolean;
  readonly make?: SideOptions['make'];
}

/** Expects a program to do the same on both databases. */
export async function sameOnBoth({ schema, whose, many, alone, program, readsPlainly, make }: Same): Promise<void> {
  const module = schema();
  const ddl = await ddlOfModules([module]);
  const url = inject('databaseUrl');
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const opened: Compared[] = [];
  const names: string[] = [];
  try {
    for (const rows of [many, alone]) {
      const name = `same_${process.pid}_${Date.now().toString(36)}_${names.length}`;
      await admin.query(`create database ${name}`);
      names.push(name);
      const side = await openSide(Object.assign(new URL(url), { pathname: `/${name}` }).href, module.relations, {
        make,
      });
      await side.read(`${ddl};\n${rows}`);
      opened.push(new Compared(side, module));
      await opened.at(-1)!.restart();
    }
    const { difference } = await compare(opened[0]!, opened[1]!, program as Run, whose(module), readsPlainly);
    expect(difference).toBeUndefined();
  } finally {
    for (const it of opened) await it.side.close();
    for (const name of names) await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  }
}
