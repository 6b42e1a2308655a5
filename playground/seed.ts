/** The rows: the countries of ISO 3166, and three accounts whose users, projects and tasks share ids and names. */
import iso3166 from 'i18n-iso-countries';
import type { TenantId } from '../src/index.js';
import type { AccountDatabase, Database } from './database.js';
import { tokenKey } from './token-key.js';
import { account, accounts, countries, managers, projectManagers, projects, tasks, users } from './schema.js';

export interface Tenant {
  readonly id: TenantId<'account'>;
  readonly name: string;
  readonly fill: (tdb: AccountDatabase) => Promise<void>;
}

/** A task: id, project, parent, assignee, title, status, hours. */
type TaskRow = [number, number, number | null, number | null, string, 'open' | 'doing' | 'done', number];

interface Contents {
  readonly country: string;
  readonly budgets: readonly [website: number, shop: number, office: number];
  /** Manager 1 is this user, manager 2 that one. */
  readonly managers: readonly [number, number];
  /** Which manager has which project. */
  readonly links: readonly { managerId: number; projectId: number }[];
  readonly tasks: readonly TaskRow[];
}

function tenant(id: string, name: string, contents: Contents): Tenant {
  return { id: account.parse(id), name, fill: (tdb) => fill(tdb, name, contents) };
}

/** Whatever the account: the tenant column of each row is filled in. */
async function fill(tdb: AccountDatabase, name: string, contents: Contents): Promise<void> {
  const [website, shop, office] = contents.budgets;
  const at = `${name.toLowerCase()}.example`;
  await tdb.transaction(async (tx) => {
    await tx.insert(accounts).values({ name, countryCode: contents.country });
    await tx.insert(users).values([
      { id: 1, name: 'Ada', email: `ada@${at}`, countryCode: contents.country, tokenKey },
      { id: 2, name: 'Ben', email: `ben@${at}`, countryCode: 'NO', tokenKey },
      { id: 3, name: 'Cleo', email: `cleo@${at}`, countryCode: contents.country, tokenKey },
    ]);
    await tx.insert(managers).values([
      { id: 1, userId: contents.managers[0], title: 'Lead' },
      { id: 2, userId: contents.managers[1], title: 'Deputy' },
    ]);
    await tx.insert(projects).values([
      { id: 1, name: 'Website', budget: website, startsOn: '2026-01-12' },
      { id: 2, name: 'Web shop', budget: shop, startsOn: '2026-03-02' },
      { id: 3, name: 'Office', budget: office },
    ]);
    await tx.insert(projectManagers).values([...contents.links]);
    await tx.insert(tasks).values(
      contents.tasks.map(([id, projectId, parentId, assigneeId, title, status, hours]) => {
        return { id, projectId, parentId, assigneeId, title, status, hours };
      }),
    );
  });
}

/** Every id below exists in all three accounts, and means another row in each. */
export const tenants: readonly Tenant[] = [
  tenant('aaaaaaaa-0000-4000-8000-000000000001', 'Acme', {
    country: 'CL',
    budgets: [12000, 8000, 3000],
    managers: [1, 2],
    links: [
      { projectId: 1, managerId: 1 },
      { projectId: 1, managerId: 2 },
      { projectId: 2, managerId: 2 },
    ],
    tasks: [
      [1, 1, null, 1, 'Design', 'done', 16],
      [2, 1, 1, 2, 'Colours', 'done', 4],
      [3, 1, null, 1, 'Build', 'doing', 40],
      [4, 2, null, 2, 'Catalogue', 'doing', 24],
      [5, 2, null, null, 'Payments', 'open', 12],
      [6, 3, null, 3, 'Paint walls', 'open', 8],
    ],
  }),
  tenant('bbbbbbbb-0000-4000-8000-000000000002', 'Birch', {
    country: 'GH',
    budgets: [5000, 20000, 9500],
    managers: [3, 1],
    links: [
      { projectId: 2, managerId: 1 },
      { projectId: 3, managerId: 2 },
    ],
    tasks: [
      [1, 2, null, 3, 'Design', 'doing', 30],
      [2, 2, 1, 3, 'Colours', 'open', 6],
      [3, 2, 1, null, 'Pictures', 'open', 9],
      [4, 3, null, 1, 'Move desks', 'done', 10],
      [5, 1, null, 2, 'Build', 'open', 20],
      [6, 1, null, null, 'Texts', 'doing', 14],
    ],
  }),
  tenant('cccccccc-0000-4000-8000-000000000003', 'Cedar', {
    country: 'JP',
    budgets: [700, 7900, 8100],
    managers: [2, 3],
    links: [
      { projectId: 1, managerId: 2 },
      { projectId: 3, managerId: 1 },
      { projectId: 3, managerId: 2 },
    ],
    tasks: [
      [1, 3, null, 2, 'Design', 'done', 2],
      [2, 3, 1, null, 'Colours', 'done', 3],
      [3, 3, null, 2, 'Paint walls', 'done', 18],
      [4, 1, null, 3, 'Build', 'doing', 5],
      [5, 1, 4, 3, 'Texts', 'open', 7],
      [6, 2, null, null, 'Catalogue', 'open', 11],
    ],
  }),
];

/** ISO 3166-1, as the npm package i18n-iso-countries has it. */
export const countryRows = Object.entries(iso3166.getNames('en')).map(([code, name]) => ({
  code,
  name,
  alpha3: iso3166.alpha2ToAlpha3(code)!,
  numeric: iso3166.alpha2ToNumeric(code)!,
}));

/** Fills an empty database: reference tables through `db.shared`, and each tenant through its own handle. */
export async function seed(db: Database, tenants: readonly Tenant[]): Promise<void> {
  await db.shared.insert(countries).values(countryRows);
  for (const tenant of tenants) await tenant.fill(db.forTenant(tenant.id));
}
