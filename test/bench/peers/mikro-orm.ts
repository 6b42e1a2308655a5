/**
 * MikroORM 7: a global filter whose parameter is set on a fork of the entity manager, as its documentation has it for
 * each request. Nested rows come with its default strategy, and what is read becomes entities of the fork.
 */
import { EntityCaseNamingStrategy, MikroORM, defineEntity, p, raw } from '@mikro-orm/postgresql';
import type { Peer } from './peer.js';

const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    accountId: p.uuid().primary(),
    id: p.integer().primary(),
    name: p.string(),
    email: p.string().nullable(),
    managerId: p.integer().nullable(),
  },
});

const Project = defineEntity({
  name: 'Project',
  tableName: 'projects',
  properties: {
    accountId: p.uuid().primary(),
    id: p.integer().primary(),
    name: p.string(),
    status: p.string(),
    ownerId: p.integer().nullable(),
    countryId: p.integer().nullable(),
    budget: p.decimal('number').nullable(),
    tags: p.array(),
    meta: p.json().nullable(),
    createdAt: p.string().nullable(),
    tasks: () => p.oneToMany(Task).mappedBy('project'),
  },
});

const Task = defineEntity({
  name: 'Task',
  tableName: 'tasks',
  properties: {
    accountId: p.uuid().primary(),
    id: p.integer().primary(),
    projectId: p.integer().persist(false),
    project: () => p.manyToOne(Project).joinColumns('accountId', 'projectId'),
    parentId: p.integer().nullable(),
    assignee: () => p.manyToOne(User).joinColumns('accountId', 'assigneeId').nullable(),
    title: p.string(),
    done: p.boolean(),
    points: p.integer().nullable(),
    slug: p.string().nullable(),
    touched: p.integer().nullable(),
  },
});

export async function open(url: string, max: number): Promise<Peer> {
  const orm = await MikroORM.init({
    clientUrl: url,
    entities: [User, Project, Task],
    namingStrategy: EntityCaseNamingStrategy,
    pool: { min: max, max },
    debug: false,
    filters: { tenant: { cond: ({ accountId }: { accountId: string }) => ({ accountId }) } },
  });
  const forTenant = (accountId: string) => {
    const em = orm.em.fork();
    em.setFilterParams('tenant', { accountId });
    return em;
  };
  const task = (it: any) => ({ id: it.id, projectId: it.projectId, title: it.title, done: it.done, points: it.points });
  return {
    ask: {
      key: (tenant) => forTenant(tenant).find(Task, { id: 17 }),
      nested: (tenant) => forTenant(tenant).find(Project, { id: 3 }, { populate: ['tasks'] }),
      join: (tenant) =>
        forTenant(tenant).find(Task, { projectId: 7 }, { populate: ['assignee'], fields: ['title', 'assignee.name'] }),
      page: (tenant) =>
        forTenant(tenant).find(
          Task,
          { done: false, points: { $gt: 5 } },
          { orderBy: [{ points: 'desc' }, { id: 'asc' }], limit: 10 },
        ),
      // `countBy` groups by one column, and the relation has two.
      count: async (tenant) => {
        const query = forTenant(tenant).createQueryBuilder(Task);
        query
          .select([raw('"projectId"'), raw('count(*)::int as n')])
          .where({ done: false })
          .groupBy(raw('"projectId"'));
        await query.applyFilters();
        return query.execute('all', { mapResults: false });
      },
      update: (tenant) => forTenant(tenant).nativeUpdate(Task, { id: 19 }, { points: raw('points + 1') }),
    },
    read: {
      key: (rows: any) => rows.map(task),
      nested: (rows: any) =>
        rows.map((it: any) => ({ id: it.id, name: it.name, tasks: it.tasks.getItems().map(task) })),
      join: (rows: any) => rows.map((it: any) => ({ title: it.title, user: it.assignee.name })),
      page: (rows: any) => rows.map(task),
      count: (rows: any) => rows.map(({ projectId, n }: any) => ({ projectId, n })),
      update: () => undefined,
    },
    close: () => orm.close(),
  };
}
