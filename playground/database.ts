/** The application's database: Drizzle on postgres.js, and no query without an account. */
import { drizzle } from 'drizzle-orm/postgres-js';
import type { PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import type { Logger } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { withTenancy, type TenantDatabase, type TenantRelations } from '../src/index.js';
import { plainRelations, relations } from './relations.js';

/** What the application passes around until it knows the account: it has no query methods. */
export type Database = ReturnType<typeof connect>;

/** What a function takes that queries: the database of one account. */
export type AccountDatabase = TenantDatabase<'account', RelationsOf<typeof relations>, PostgresJsQueryResultHKT>;

type RelationsOf<T> = T extends TenantRelations<infer Relations> ? Relations : never;

export const connect = (client: Sql, logger?: Logger) => withTenancy(drizzle({ client, logger }), { relations });

/** Drizzle without tenants. The application has no use for it; the playground compares with it. */
export const connectPlain = (client: Sql, logger?: Logger) => drizzle({ client, logger, relations: plainRelations });
