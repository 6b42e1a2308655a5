/** The application of playground/people over HTTP: on PostgreSQL and on Citus, under row-level security. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accept, invite } from '../../playground/people/accounts.js';
import { peopleApp, type Options } from '../../playground/people/app.js';
import { deletePerson, purge, setPassword } from '../../playground/people/people.js';
import {
  account,
  invitations,
  members,
  notes,
  relations,
  sessions,
  tables,
  user,
  userAccounts,
  users,
} from '../../playground/people/schema.js';
import { keysOf } from '../../playground/people/secrets.js';
import { serve, type Listening } from '../../playground/people/serve.js';
import { onEach } from '../docs/servers.js';

type Answer = { status: number; json: any; text: string };
type Mail = Parameters<Options['mail']>[0];

onEach(
  tables,
  (database) => {
    const mails: Mail[] = [];
    const keys = keysOf('a secret of the test', { N: 2 ** 8, r: 8, p: 1 });
    let server: Listening;
    beforeAll(async () => {
      server = await serve(
        peopleApp({ db: database.db, keys, mail: async (it) => void mails.push(it), isSecure: false }).fetch,
        0,
      );
    });
    afterAll(() => server?.close());

    /** Somebody with a browser: it keeps its cookie. */
    class Browser {
      cookie = '';
      id = '';
      async ask(method: string, path: string, json?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
        const response = await fetch(server.url + path, {
          method,
          headers: {
            origin: server.url,
            ...(json !== undefined && { 'content-type': 'application/json' }),
            ...(this.cookie && { cookie: this.cookie }),
            ...headers,
          },
          ...(json !== undefined && { body: JSON.stringify(json) }),
        });
        for (const one of response.headers.getSetCookie()) {
          expect(one).toMatch(/HttpOnly/i);
          this.cookie = one.split(';')[0]!.replace(/^session=$/, '');
        }
        const text = await response.text();
        return { status: response.status, text, json: text ? JSON.parse(text) : undefined };
      }
      async signUp(name: string): Promise<void> {
        expect(await this.ask('POST', '/sign-up', { email: `${name}@${name}.example` })).toMatchObject({ status: 202 });
        const { token } = mails.pop()!;
        const made = await this.ask('POST', '/sign-up/confirm', { token, name, password: `the password of ${name}` });
        expect(made).toMatchObject({ status: 201 });
        this.id = made.json.id;
      }
      logIn = (name: string, password = `the password of ${name}`) =>
        this.ask('POST', '/log-in', { email: `${name}@${name}.example`, password });
      async accept(token: string | undefined) {
        return this.ask('POST', '/invitations/accept', { token });
      }
    }
    const [ann, ben, cy, nobody] = [new Browser(), new Browser(), new Browser(), new Browser()];
    let one = '';
    let two = '';
    const inviteTo = async (owner: Browser, id: string, name: string, role = 'member') => {
      expect(
        await owner.ask('POST', `/accounts/${id}/invitations`, {
          email: ` ${name.toUpperCase()}@${name}.example`,
          role,
        }),
      ).toMatchObject({ status: 202 });
      expect(mails.at(-1)).toMatchObject({ to: `${name}@${name}.example`, kind: 'invitation' });
      return mails.pop()!.token!;
    };

    test('sign-up: an address has one person, and only its mail says whether it has', async () => {
      await ann.signUp('ann');
      await ben.signUp('ben');
      await cy.signUp('cy');
      const [known, unknown] = [
        await nobody.ask('POST', '/sign-up', { email: 'ANN@ann.example' }),
        await nobody.ask('POST', '/sign-up', { email: 'x@x.example' }),
      ];
      expect(known).toEqual(unknown);
      expect(mails.splice(0).map((it) => it.kind)).toEqual(['known', 'sign-up']);
      // A link works once, for its address, and not for ever.
      const confirm = (token: string) =>
        nobody.ask('POST', '/sign-up/confirm', { token, name: 'x', password: 'a long password' });
      for (const token of [
        keys.sign('ann@ann.example', 60),
        keys.sign('y@y.example', -1),
        keysOf('another').sign('y@y.example', 60),
        `${keys.sign('y@y.example', 60)}x`,
        'x',
        '',
      ]) {
        expect(await confirm(token)).toMatchObject({ status: 400, json: { error: 'This link is not valid any more' } });
      }
      expect(nobody.cookie).toBe('');
    });

    test('log-in', async () => {
      const wrong = await nobody.logIn('ann', 'the password of ben');
      expect(wrong).toMatchObject({ status: 401 });
      expect(await nobody.logIn('nobody')).toEqual(wrong);
      const other = new Browser();
      expect(await other.logIn('ann')).toMatchObject({ status: 200, json: { id: ann.id } });
      expect((await other.ask('GET', '/me')).json).toEqual({ id: ann.id, email: 'ann@ann.example', name: 'ann' });
      const stolen = other.cookie;
      expect(await other.ask('POST', '/log-out')).toMatchObject({ status: 204 });
      for (const cookie of ['', stolen, 'session=x', `session=${ann.id}.x`, ann.cookie.replace(ann.id, ben.id)]) {
        expect(await new Browser().ask('GET', '/me', undefined, { cookie })).toMatchObject({ status: 401 });
      }
      // The secrets are not in the database as they are.
      const stored = JSON.stringify([
        await database.sql`select * from sessions`,
        await database.sql`select * from users`,
        await database.sql`select * from logins`,
      ]);
      expect(stored).not.toContain(ann.cookie.split('.')[1]);
      expect(stored).not.toContain('the password of');
      expect(JSON.stringify(await database.sql`select * from logins`)).not.toContain('example');
    });

    test('what is no request of ours', async () => {
      expect(await ann.ask('POST', '/accounts', undefined)).toMatchObject({ status: 415 });
      expect(await ann.ask('POST', '/accounts', {})).toMatchObject({
        status: 400,
        json: { error: 'name: not as it should be' },
      });
      expect(await ann.ask('POST', '/accounts', { name: ['x'] })).toMatchObject({ status: 400 });
      expect(await ann.ask('POST', '/accounts', { name: 'x'.repeat(70_000) })).toMatchObject({ status: 413 });
      expect(await nobody.ask('POST', '/sign-up', { email: 'no address' })).toMatchObject({ status: 400 });
      const form = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://elsewhere.example' };
      expect(await ann.ask('POST', '/log-out', undefined, form)).toMatchObject({ status: 403 });
      expect(await ann.ask('GET', '/nowhere')).toMatchObject({ status: 404 });
    });

    test("accounts: my own, and nobody else's", async () => {
      one = (await ann.ask('POST', '/accounts', { name: 'One' })).json.id;
      two = (await cy.ask('POST', '/accounts', { name: 'Two' })).json.id;
      expect((await ann.ask('GET', '/accounts')).json).toEqual([{ id: one, name: 'One', role: 'owner' }]);
      expect((await ann.ask('GET', `/accounts/${one}`)).json).toEqual({ id: one, name: 'One', role: 'owner' });
      const missing = await ann.ask('GET', '/accounts/00000000-0000-4000-8000-000000000000');
      expect(missing.status).toBe(404);
      for (const path of ['', '/members', '/notes', '/invitations', '/nothing']) {
        expect(await ann.ask('GET', `/accounts/${two}${path}`)).toEqual(missing);
        expect(await nobody.ask('GET', `/accounts/${two}${path}`)).toMatchObject({ status: 401 });
      }
      expect(await ann.ask('GET', '/accounts/x')).toEqual(missing);
      expect(await ann.ask('DELETE', `/accounts/${two}`)).toEqual(missing);
      expect(await ann.ask('GET', `/accounts/${ann.id}`)).toEqual(missing);
    });

    test('an invitation, once, for the address that it was sent to', async () => {
      const token = await inviteTo(ann, one, 'ben');
      const useless = await cy.accept(token);
      expect(useless.status).toBe(404);
      for (const other of [`${two}.${token.split('.')[1]}`, `${one}.x`, 'x', ''])
        expect(await ben.accept(other)).toEqual(useless);
      expect(await nobody.accept(token)).toMatchObject({ status: 401 });
      expect(await ben.accept(token)).toMatchObject({ status: 200, json: { id: one } });
      expect(await ben.accept(token)).toEqual(useless);
      // Who is a member already stays what he is.
      await ben.accept(await inviteTo(ann, one, 'ben', 'owner'));
      expect((await ben.ask('GET', `/accounts/${one}`)).json.role).toBe('member');
      // Taken back, or too old.
      const back = await inviteTo(ann, one, 'cy');
      const [open] = (await ann.ask('GET', `/accounts/${one}/invitations`)).json;
      expect(open).toMatchObject({ email: 'cy@cy.example', role: 'member' });
      expect(Object.keys(open)).not.toContain('hash');
      expect(await ann.ask('DELETE', `/accounts/${one}/invitations/${open.id}`)).toMatchObject({ status: 204 });
      expect(await ann.ask('DELETE', `/accounts/${one}/invitations/${open.id}`)).toMatchObject({ status: 404 });
      expect(await cy.accept(back)).toEqual(useless);
      const late = await inviteTo(ann, one, 'cy');
      await database.db
        .forTenant(account.parse(one))
        .update(invitations)
        .set({ expiresAt: new Date(0) });
      expect(await cy.accept(late)).toEqual(useless);
    });

    test('switching the account is another path, with another role', async () => {
      await ben.accept(await inviteTo(cy, two, 'ben', 'owner'));
      expect((await ben.ask('GET', '/accounts')).json).toEqual([
        { id: one, name: 'One', role: 'member' },
        { id: two, name: 'Two', role: 'owner' },
      ]);
      expect(await ben.ask('POST', `/accounts/${one}/notes`, { text: 'in one' })).toMatchObject({ status: 201 });
      expect(await ben.ask('POST', `/accounts/${two}/notes`, { text: 'in two' })).toMatchObject({ status: 201 });
      expect((await ann.ask('GET', `/accounts/${one}/notes`)).json).toMatchObject([
        { text: 'in one', author: { name: 'ben' } },
      ]);
      expect((await ben.ask('GET', `/accounts/${two}/notes`)).json).toMatchObject([{ text: 'in two' }]);
      expect((await ann.ask('GET', `/accounts/${one}/members`)).json).toEqual([
        { id: ann.id, name: 'ann', email: 'ann@ann.example', role: 'owner' },
        { id: ben.id, name: 'ben', email: 'ben@ben.example', role: 'member' },
      ]);
      expect((await ben.ask('PATCH', '/me', { name: 'Benjamin' })).json).toMatchObject({ name: 'Benjamin' });
      expect((await cy.ask('GET', `/accounts/${two}/members`)).json.map((it: any) => it.name)).toEqual([
        'Benjamin',
        'cy',
      ]);
      expect((await ann.ask('GET', `/accounts/${one}/notes`)).json).toMatchObject([{ author: { name: 'Benjamin' } }]);
      for (const [method, path, json] of [
        ['PATCH', '', { name: 'x' }],
        ['DELETE', ''],
        ['GET', '/invitations'],
        ['POST', '/invitations', { email: 'x@x.x', role: 'owner' }],
        ['PATCH', `/members/${ben.id}`, { role: 'owner' }],
        ['DELETE', `/members/${ann.id}`],
      ] as const) {
        expect(await ben.ask(method, `/accounts/${one}${path}`, json)).toMatchObject({ status: 403 });
      }
      expect(await cy.ask('DELETE', `/accounts/${two}/members/${ann.id}`)).toMatchObject({ status: 404 });
      // Whoever writes an account into the own list belongs to it no more than before.
      await database.db
        .forTenant(user.parse(ann.id))
        .insert(userAccounts)
        .values({ accountId: account.parse(two) });
      expect(await ann.ask('GET', `/accounts/${two}`)).toMatchObject({ status: 404 });
      expect((await ann.ask('GET', '/accounts')).json).toHaveLength(1);
    });

    test('a new password ends the other sessions', async () => {
      const other = new Browser();
      await other.logIn('ben');
      expect(await ben.ask('PUT', '/me/password', { old: 'wrong', password: 'another password' })).toMatchObject({
        status: 403,
      });
      expect(await ben.ask('PUT', '/me/password', { old: 'the password of ben', password: 'short' })).toMatchObject({
        status: 400,
      });
      expect(
        await ben.ask('PUT', '/me/password', { old: 'the password of ben', password: 'the new password' }),
      ).toMatchObject({ status: 204 });
      expect([(await other.ask('GET', '/me')).status, (await ben.ask('GET', '/me')).status]).toEqual([401, 200]);
      expect([(await other.logIn('ben')).status, (await other.logIn('ben', 'the new password')).status]).toEqual([
        401, 200,
      ]);
      expect(await setPassword(database.db, keys, user.parse(cy.id), 'the password of ben', 'x')).toBe(false);
    });

    test('the last owner stays, also where two leave at once', async () => {
      const conflict = { status: 409, json: { error: 'Make somebody else an owner first, or delete the account' } };
      expect(await ann.ask('DELETE', `/accounts/${one}/members/${ann.id}`)).toMatchObject(conflict);
      expect(await ann.ask('PATCH', `/accounts/${one}/members/${ann.id}`, { role: 'member' })).toMatchObject(conflict);
      expect(await ann.ask('POST', '/me/delete', { password: 'the password of ann' })).toMatchObject(conflict);
      expect((await ann.ask('GET', '/accounts')).json).toHaveLength(1);
      expect(await ann.ask('PATCH', `/accounts/${one}/members/${ben.id}`, { role: 'owner' })).toMatchObject({
        status: 204,
      });
      const left = await Promise.all([ann, ben].map((it) => it.ask('DELETE', `/accounts/${one}/members/${it.id}`)));
      expect(left.map((it) => it.status).sort()).toEqual([204, 409]);
      const [gone, stays] = left[0]!.status === 204 ? [ann, ben] : [ben, ann];
      expect(await gone!.ask('GET', `/accounts/${one}`)).toMatchObject({ status: 404 });
      await gone!.accept(await inviteTo(stays!, one, gone === ann ? 'ann' : 'ben', 'owner'));
      const lowered = await Promise.all(
        [ann, ben].map((it) => ann.ask('PATCH', `/accounts/${one}/members/${it.id}`, { role: 'member' })),
      );
      expect(lowered.map((it) => it.status).sort()).not.toEqual([204, 204]);
      expect(
        await database.db.forTenant(account.parse(one)).select({ role: members.role }).from(members),
      ).toContainEqual({ role: 'owner' });
    });

    test('deleting a person: an account of that person alone goes too', async () => {
      const dora = new Browser();
      await dora.signUp('dora');
      const own = (await dora.ask('POST', '/accounts', { name: 'Own' })).json.id;
      await dora.ask('POST', `/accounts/${own}/notes`, { text: 'mine' });
      await dora.accept(await inviteTo(cy, two, 'dora'));
      expect(await dora.ask('POST', '/me/delete', { password: 'wrong' })).toMatchObject({ status: 403 });
      // An invitation that is accepted meanwhile: a person is in the account, or is gone, and never both.
      const token = await invite(
        database.db.forTenant(account.parse(two)),
        account.parse(two),
        'dora@dora.example',
        'member',
      );
      const both = await Promise.allSettled([
        deletePerson(database.db, user.parse(dora.id)),
        accept(database.db, token, user.parse(dora.id)),
      ]);
      expect(both.map((it) => it.status)).toEqual(['fulfilled', 'fulfilled']);
      expect(await database.db.forTenant(user.parse(dora.id)).$count(users)).toBe(0);
      expect((await cy.ask('GET', `/accounts/${two}/members`)).json.map((it: any) => it.id)).not.toContain(dora.id);
      expect(await dora.ask('GET', '/me')).toMatchObject({ status: 401 });
      expect(await dora.logIn('dora')).toMatchObject({ status: 401 });
      expect(await database.db.forTenant(account.parse(own)).$count(notes)).toBe(0);
      await dora.signUp('dora');
      expect((await dora.ask('GET', '/accounts')).json).toEqual([]);
    });

    test('deleting an account, and what is too old', async () => {
      expect(await ben.ask('DELETE', `/accounts/${two}`)).toMatchObject({ status: 204 });
      expect((await cy.ask('GET', '/accounts')).json).toEqual([]);
      expect(await database.db.forTenant(account.parse(two)).$count(notes)).toBe(0);
      expect(await database.db.forTenant(user.parse(cy.id)).$count(userAccounts)).toBe(0);
      await database.db
        .forTenant(user.parse(cy.id))
        .update(sessions)
        .set({ expiresAt: new Date(0) });
      expect(await cy.ask('GET', '/me')).toMatchObject({ status: 401 });
      await purge(database.db);
      expect(await database.db.forTenant(user.parse(cy.id)).$count(sessions)).toBe(0);
      expect(await ann.ask('GET', '/me')).toMatchObject({ status: 200 });
    });
  },
  relations,
);
