/**
 * The application over HTTP. A request says who asks, by its cookie, and its path says which account it is about.
 * Whoever does not belong to that account gets the 404 of one that does not exist.
 */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { csrf } from 'hono/csrf';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import { pathSegment, tenantMiddleware } from 'drizzle-tenant/hono';
import { accept, accountsOf, LastOwner, open, roleIn } from './accounts.js';
import { accountRoutes } from './account-routes.js';
import { body, text } from './bodies.js';
import {
  deletePerson,
  endSession,
  idOf,
  logIn,
  openSession,
  rename,
  setPassword,
  signUp,
  whoIs,
  type Db,
  type Person,
} from './people.js';
import { account, type AccountId, type Role } from './schema.js';
import type { Keys } from './secrets.js';

export interface Options {
  readonly db: Db;
  readonly keys: Keys;
  /** Sends a mail. The token in it is for that address only: keep it out of logs. */
  readonly mail: (mail: {
    readonly to: string;
    readonly kind: 'sign-up' | 'known' | 'invitation';
    readonly token?: string;
  }) => Promise<void>;
  /** Over https, as it must be anywhere but on this machine. */
  readonly isSecure: boolean;
}
/** What the middlewares leave for the handlers. */
export type AppEnv = { Variables: { person: Person; accountId: AccountId; role: Role } };

export function peopleApp(options: Options) {
  const { db, keys, mail, isSecure } = options;
  const name = isSecure ? '__Host-session' : 'session';
  const cookie = { httpOnly: true, secure: isSecure, sameSite: 'Lax', path: '/' } as const;
  const token = (c: Context) => getCookie(c, name);
  const start = async (c: Context, person: Person['id']) =>
    setCookie(c, name, await openSession(db, person), { ...cookie, maxAge: 30 * 24 * 3600 });
  /** Once for each request. */
  const personOf = async (c: Context<AppEnv>) => {
    const person = c.get('person') ?? (await whoIs(db, token(c)));
    if (person) c.set('person', person);
    return person;
  };
  const signedIn = createMiddleware<AppEnv>(async (c, next) => {
    if (!(await personOf(c))) throw new HTTPException(401, { message: 'Log in first' });
    await next();
  });
  /** From the path to the account's database; 401 for nobody, 404 for who does not belong to it. */
  const forAccount = tenantMiddleware({
    db,
    tenancy: account,
    user: (c: Context<AppEnv>) => personOf(c),
    tenant: pathSegment(1),
    access: async (named, person, c) => {
      const accountId = account.parse(named);
      const role = await roleIn(db, accountId, person.id);
      if (!role) return 'unknown';
      c.set('accountId', accountId);
      c.set('role', role);
      return 'granted';
    },
  });

  return (
    new Hono<AppEnv>()
      .onError((error, c) => {
        if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
        if (error instanceof LastOwner)
          return c.json({ error: 'Make somebody else an owner first, or delete the account' }, 409);
        console.error(error);
        return c.json({ error: 'The server has made a mistake' }, 500);
      })
      .notFound((c) => c.json({ error: 'Not Found' }, 404))
      .use(secureHeaders(), csrf(), bodyLimit({ maxSize: 64 * 1024 }))

      // The same answer for an address that is known and one that is not: only its owner reads the mail.
      .post('/sign-up', async (c) => {
        const { email } = await body(c, { email: text.email });
        const isKnown = (await idOf(db, keys, email)) !== undefined;
        await mail(
          isKnown ? { to: email, kind: 'known' } : { to: email, kind: 'sign-up', token: keys.sign(email, 3600) },
        );
        return c.body(null, 202);
      })
      .post('/sign-up/confirm', async (c) => {
        const given = await body(c, { token: text.any, name: text.name, password: text.password });
        const email = keys.read(given.token);
        const id = email && (await signUp(db, keys, { email, name: given.name, password: given.password }));
        if (!id) return c.json({ error: 'This link is not valid any more' }, 400);
        await start(c, id);
        return c.json({ id }, 201);
      })
      .post('/log-in', async (c) => {
        const { email, password } = await body(c, { email: text.any, password: text.any });
        const id = await logIn(db, keys, email, password);
        if (!id) return c.json({ error: 'E-mail address or password is wrong' }, 401);
        await endSession(db, token(c));
        await start(c, id);
        return c.json({ id });
      })
      .post('/log-out', async (c) => {
        await endSession(db, token(c));
        deleteCookie(c, name, cookie);
        return c.body(null, 204);
      })

      .get('/me', signedIn, (c) => c.json(c.var.person))
      .patch('/me', signedIn, async (c) => {
        const given = await body(c, { name: text.name });
        await rename(db, c.var.person.id, given.name);
        return c.json({ ...c.var.person, ...given });
      })
      .put('/me/password', signedIn, async (c) => {
        const { old, password } = await body(c, { old: text.any, password: text.password });
        if (!(await setPassword(db, keys, c.var.person.id, old, password)))
          return c.json({ error: 'The old password is wrong' }, 403);
        await start(c, c.var.person.id);
        return c.body(null, 204);
      })
      .post('/me/delete', signedIn, async (c) => {
        const { password } = await body(c, { password: text.any });
        if ((await logIn(db, keys, c.var.person.email, password)) !== c.var.person.id)
          return c.json({ error: 'The password is wrong' }, 403);
        await deletePerson(db, c.var.person.id);
        deleteCookie(c, name, cookie);
        return c.body(null, 204);
      })

      .get('/accounts', signedIn, async (c) => c.json(await accountsOf(db, c.var.person.id)))
      .post('/accounts', signedIn, async (c) => {
        const given = await body(c, { name: text.name });
        return c.json({ id: await open(db, given.name, c.var.person.id), ...given }, 201);
      })
      .post('/invitations/accept', signedIn, async (c) => {
        const given = await body(c, { token: text.any });
        const id = await accept(db, given.token, c.var.person.id);
        return id ? c.json({ id }) : c.json({ error: 'Not Found' }, 404);
      })
      .use('/accounts/:accountId/*', forAccount)
      .route('/accounts/:accountId', accountRoutes(options))
  );
}
