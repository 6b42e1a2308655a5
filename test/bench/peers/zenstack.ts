/**
 * ZenStack 3: a policy for each model, added to each query by its plugin, on a client that knows the user. Nested rows
 * come in one statement.
 */
import { ZenStackClient } from '@zenstackhq/orm';
import { PostgresDialect } from '@zenstackhq/orm/dialects/postgres';
import { PolicyPlugin } from '@zenstackhq/plugin-policy';
import { Pool } from 'pg';
import type { Peer } from './peer.js';
import { schema } from './zenstack.schema.js';

export async function open(url: string, max: number): Promise<Peer> {
  const pool = new Pool({ connectionString: url, max });
  const client = new ZenStackClient(schema, { dialect: new PostgresDialect({ pool }) }).$use(new PolicyPlugin());
  const forTenant = (accountId: string) => client.$setAuth({ accountId });
  const task = ({ id, projectId, title, done, points }: any) => ({ id, projectId, title, done, points });
  return {
    ask: {
      key: (tenant) => forTenant(tenant).task.findMany({ where: { id: 17 } }),
      nested: (tenant) => forTenant(tenant).project.findMany({ where: { id: 3 }, include: { tasks: true } }),
      join: (tenant) =>
        forTenant(tenant).task.findMany({
          where: { projectId: 7 },
          select: { title: true, assignee: { select: { name: true } } },
        }),
      page: (tenant) =>
        forTenant(tenant).task.findMany({
          where: { done: false, points: { gt: 5 } },
          orderBy: [{ points: 'desc' }, { id: 'asc' }],
          take: 10,
        }),
      count: (tenant) => forTenant(tenant).task.groupBy({ by: ['projectId'], where: { done: false }, _count: true }),
      update: (tenant) => forTenant(tenant).task.updateMany({ where: { id: 19 }, data: { points: { increment: 1 } } }),
    },
    read: {
      key: (rows: any) => rows.map(task),
      nested: (rows: any) => rows.map((it: any) => ({ id: it.id, name: it.name, tasks: it.tasks.map(task) })),
      join: (rows: any) => rows.map((it: any) => ({ title: it.title, user: it.assignee.name })),
      page: (rows: any) => rows.map(task),
      count: (rows: any) => rows.map(({ projectId, _count: n }: any) => ({ projectId, n })),
      update: () => undefined,
    },
    close: () => client.$disconnect(),
  };
}
