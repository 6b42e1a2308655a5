import 'reflect-metadata';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { drizzle } from 'drizzle-orm/pg-proxy';
import { integer, text, uuid } from 'drizzle-orm/pg-core';
import { defineTenantRelations, tenancy, tenantTable, withTenancy, type TenantDatabase } from 'drizzle-tenant';
import { claim, tenantGuard } from 'drizzle-tenant/nest';

export const account = tenancy('account', uuid);
export const projects = tenantTable('projects', {
  accountId: account.id('account_id'),
  id: integer().primaryKey(),
  name: text().notNull(),
});
export const relations = defineTenantRelations({ projects });
export const db = withTenancy(
  drizzle(async (sql, params, method) =>
    (await fetch(process.env.URL!, { method: 'POST', body: JSON.stringify({ sql, params, method }) })).json(),
  ),
  { relations },
);
export type AccountDatabase = TenantDatabase<'account', typeof relations>;
export const forTenant = tenantGuard({
  db,
  tenancy: account,
  user: (request) => (request.headers['x-user'] ? { accountId: request.headers['x-user'] } : undefined),
  tenant: claim('accountId'),
});

@Injectable()
export class Projects {
  list(tdb: AccountDatabase) {
    return tdb.query.projects.findMany();
  }
}

@Controller()
@UseGuards(forTenant)
export class ProjectsController {
  constructor(private readonly projects: Projects) {}

  @Get()
  async list(@forTenant.Tdb() tdb: AccountDatabase) {
    const rows = await this.projects.list(tdb);
    return `${rows[0]?.name}, ${rows.length} of them`;
  }
}

@Module({ controllers: [ProjectsController], providers: [Projects] })
export class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(Number(process.env.PORT), '127.0.0.1');
console.log('ready');
