/** What people type into the search, and the page that answers it, where the page itself has other words. */
export const words: Record<string, string> = {
  start: 'getting started install installation setup quick start tutorial npm',
  concepts: 'forgot forget WHERE clause tenant id multi-tenant multitenancy SaaS data leak isolation',
  'guide/handles':
    'select insert update delete upsert pagination paginate limit offset page join findMany admin superuser',
  'guide/schema': 'soft delete deletedAt enum foreign key primary key model pgTable views',
  'guide/row-level-security': 'row level security RLS policy policies CREATE POLICY Supabase Neon',
  'guide/limits': 'license MIT MySQL SQLite not supported unsupported caveats drawbacks Drizzle Studio',
  'guide/jobs': 'cron schedule scheduled worker BullMQ pg-boss queue background job',
  'guide/testing': 'Vitest Jest seed fixtures test database',
  'guide/migrations': 'drizzle-kit push generate migrate upgrade version',
  'guide/sql-by-hand': 'raw SQL sql template execute',
  'guide/poolers': 'PgBouncer Supavisor Supabase Neon RDS Proxy connection pool',
  'guide/citus': 'sharding shards distributed tables scale out',
  'guide/growing': 'sharding rebalance add node',
  'coming-from/zenstack': 'Prisma access policy',
  'coming-from/row-level-security': 'Prisma extension Supabase',
  'decisions/2-one-column-not-a-schema-each': 'schema per tenant database per tenant separate schemas',
  'before-the-tenant': 'login log in API key subdomain host name domain webhook token',
  people: 'users sign up sign in login roles permissions invite invitation membership team organization CRM',
  'unique-values': 'unique e-mail subdomain slug global unique',
  frameworks: 'JWT cookie session middleware subdomain Clerk Auth0 Auth.js Lucia Supabase auth claims REST',
  'better-auth': 'authentication organization plugin login session cookie Clerk',
  'tenant-data': 'GDPR delete a tenant backup restore offboarding export clone copy demo data',
  runtimes: 'Cloudflare Workers Vercel Lambda serverless edge Bun Deno Next.js bundle esbuild Vite Neon',
  benchmarks: 'performance slow fast speed overhead latency',
  indexes: 'slow query performance pgvector full text search gin',
  fair: 'noisy neighbour neighbor rate limit fairness pool',
  compiler: 'cannot compile does not compile not assignable type error TS2345 TS2769 message red',
  security: 'guarantee threat model audit leak CVE vulnerability',
};

/** Leaves words out that say nothing of what is looked for. The browser gets its text, so it names nothing outside. */
export const term = (it: string) => {
  const silent =
    ' a an and are as at be by can do does for from has have how i in is it my no of on or that the this to what ' +
    'when where which who with ';
  const word = it.toLowerCase();
  return silent.includes(` ${word} `) ? null : word;
};

/** Pages of figures and of history hold every word, and are seldom what is looked for. */
export const weight = (id: string) => (/\/(changelog|scale|security|decisions|architecture)/.test(id) ? 0.4 : 1);
