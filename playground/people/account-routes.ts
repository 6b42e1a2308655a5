/** What is under an account's path. Whoever gets here belongs to it: `c.var.tdb` is its database. */
import { desc, eq } from 'drizzle-orm';
import type { TenantDatabase } from 'drizzle-tenant';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import { deleteAccount, invite, leave, memberList, setRole } from './accounts.js';
import type { AppEnv, Options } from './app.js';
import { body, oneOf, text } from './bodies.js';
import { accounts, invitations, notes, relations, roles, user } from './schema.js';

type Env = { Variables: AppEnv['Variables'] & { tdb: TenantDatabase<'account', typeof relations> } };

const notFound = () => new HTTPException(404, { message: 'Not Found' });
/** For members who are no owners: they know that there is such a thing. */
const owners = createMiddleware<Env>(async (c, next) => {
  if (c.var.role !== 'owner') throw new HTTPException(403, { message: 'Forbidden' });
  await next();
});
const personIn = (value: string) => {
  const parsed = user['~standard'].validate(value);
  if ('value' in parsed) return parsed.value;
  throw notFound();
};
const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const idIn = (value: string) => {
  if (!isUuid.test(value)) throw notFound();
  return value;
};

export const accountRoutes = ({ db, mail }: Options) =>
  new Hono<Env>()
    .get('/', async (c) => {
      const [row] = await c.var.tdb.select().from(accounts);
      return c.json({ ...row, role: c.var.role });
    })
    .patch('/', owners, async (c) => {
      const given = await body(c, { name: text.name });
      const [row] = await c.var.tdb.update(accounts).set(given).returning();
      return c.json(row);
    })
    .delete('/', owners, async (c) => {
      await deleteAccount(db, c.var.accountId);
      return c.body(null, 204);
    })

    .get('/members', async (c) => c.json(await memberList(c.var.tdb)))
    .patch('/members/:userId', owners, async (c) => {
      const { role } = await body(c, { role: oneOf(roles) });
      if (!(await setRole(c.var.tdb, personIn(c.req.param('userId')), role))) throw notFound();
      return c.body(null, 204);
    })
    .delete('/members/:userId', async (c) => {
      const person = personIn(c.req.param('userId'));
      if (person !== c.var.person.id && c.var.role !== 'owner') throw new HTTPException(403, { message: 'Forbidden' });
      if (!(await leave(db, c.var.accountId, person))) throw notFound();
      return c.body(null, 204);
    })

    .get('/invitations', owners, async (c) => {
      const { id, email, role, expiresAt } = invitations;
      return c.json(await c.var.tdb.select({ id, email, role, expiresAt }).from(invitations).orderBy(email));
    })
    .post('/invitations', owners, async (c) => {
      const { email, role } = await body(c, { email: text.email, role: oneOf(roles) });
      const token = await invite(c.var.tdb, c.var.accountId, email, role);
      await mail({ to: email, kind: 'invitation', token });
      return c.body(null, 202);
    })
    .delete('/invitations/:id', owners, async (c) => {
      const gone = await c.var.tdb
        .delete(invitations)
        .where(eq(invitations.id, idIn(c.req.param('id'))))
        .returning({ id: invitations.id });
      if (gone.length === 0) throw notFound();
      return c.body(null, 204);
    })

    .get('/notes', async (c) =>
      c.json(
        await c.var.tdb.query.notes.findMany({
          columns: { id: true, text: true },
          with: { author: { columns: { name: true } } },
          orderBy: (t) => [desc(t.createdAt), t.id],
          limit: 100,
        }),
      ),
    )
    .post('/notes', async (c) => {
      const given = await body(c, { text: text.note });
      const [row] = await c.var.tdb
        .insert(notes)
        .values({ ...given, authorId: c.var.person.id })
        .returning({ id: notes.id, text: notes.text });
      return c.json(row, 201);
    });
