/** An empty database on the server of the test run. */
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';

export interface Database {
  readonly name: string;
  /** Its URL, for another role where one is given. */
  readonly url: (role?: string, password?: string) => string;
  readonly drop: () => Promise<void>;
}

/** Runs statements of the server's own, one by one. */
export async function onServer(...statements: string[]): Promise<void> {
  const admin = postgres(inject('databaseUrl'), { max: 1, onnotice: () => {} });
  try {
    for (const statement of statements) await admin.unsafe(statement);
  } finally {
    await admin.end();
  }
}

/** The URL of a database of the server, whether there is one or not. */
export const urlOf = (name: string, role?: string, password?: string): string =>
  Object.assign(new URL(inject('databaseUrl')), {
    pathname: `/${name}`,
    ...(role === undefined ? {} : { username: role, password }),
  }).href;

/** @param owner a role, where it is not the server's own */
export async function createDatabase(owner?: string): Promise<Database> {
  const name = `kit_${process.pid}_${randomBytes(4).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}${owner === undefined ? '' : ` OWNER ${owner}`}`);
  return {
    name,
    url: (role, password) => urlOf(name, role, password),
    drop: () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}
