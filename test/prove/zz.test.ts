import { afterAll, beforeAll, expect, test } from 'vitest';
import { dropDatabases, open } from '../support/databases.js';
import { a, b, c } from '../support/rows.js';
import { ofEach } from './cases/meeting.js';
import { proveText, refusalOf } from './prove-text.js';
let opened: any;
beforeAll(async () => { opened = await open('many', 1); await opened.client.unsafe("set statement_timeout='500ms'"); });
afterAll(async () => { await opened?.close(); await dropDatabases(); });
class Rollback extends Error {}
const others = ['crm.notes account_id', 'x_labels "accountId"', 'project_users "accountId"', 'tasks "accountId"', 'projects "accountId"', 'users "accountId"', 'accounts id'];
async function run(text: string, tenant?: string): Promise<string> {
  let out = '';
  await opened.client.begin(async (tx: any) => {
    if (tenant) { await tx.unsafe('set constraints all deferred'); for (const it of others) await tx.unsafe(`delete from ${it.split(' ')[0]} where ${it.split(' ')[1]} <> '${tenant}'`); }
    try { out = (await tx.savepoint((sp: any) => sp.unsafe(text))).map((r: any) => JSON.stringify(r)).join('\n'); } catch (e: any) { out = 'error ' + e.code; }
    throw new Rollback();
  }).catch((e: any) => { if (!(e instanceof Rollback)) throw e; });
  return out;
}
let state = Number(process.env.SEED ?? 1);
const rnd = () => { state = (state + 0x6d2b79f5) | 0; let t = Math.imul(state ^ (state >>> 15), 1 | state); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32; };
const pick = <T>(l: readonly T[]): T => l[Math.floor(rnd() * l.length)]!;
const one = (re: RegExp, f: (m: string) => string) => (t: string) => { const ms = [...t.matchAll(re)]; if (!ms.length) return t; const m = pick(ms); return t.slice(0, m.index) + f(m[0]) + t.slice(m.index! + m[0].length); };
const eq = /\w+\.("accountId"|account_id|a\b|id) = \w+\.("accountId"|account_id|a\b|id)/g;
const muts = [
  one(/(?<!left |right |full |cross |natural )\bjoin\b/g, () => pick(['left join', 'right join', 'full join', 'join'])),
  one(/\b(left|right|full) join\b/g, () => pick(['left join', 'right join', 'full join', 'join'])),
  one(eq, () => 'true'), one(eq, (m) => `(${m} or 1 = 0)`), one(eq, (m) => `(${m} and true)`), one(eq, (m) => `not (not ${m})`), one(eq, (m) => m.split(' = ').reverse().join(' = ')),
  one(eq, (m) => m.replace(/^(\w+)\./, () => pick(['p.', 't.', 'u.', 'q.', 'n.']))), one(eq, (m) => m.replace(/= (\w+)\./, () => '= ' + pick(['p.', 't.', 'u.', 'q.', 'x.']))),
  one(eq, (m) => m.replace('"accountId"', 'id').replace('"accountId"', 'id')),
  one(/ and /g, () => ' or '), one(/ where /g, () => ' where true or '), one(/group by [^)]*?(?=\))/g, () => pick(['', 'group by 1', 'group by 2', 'group by 1, 2', 'group by rollup (1, 2)'])),
  one(/\(select (?!\(|distinct)/g, (m) => pick(['(select distinct ', '(select '])),
  one(/\(select [^()]*\) (?=\w)/g, (m) => m.replace(/\) $/, pick([' limit 2) ', ' offset 1) ', ' order by 1) ', ' union select * from tasks) ', ' group by 1) ', ' for update) ']))),
  one(/"accountId"(?=,)/g, () => pick(['null::uuid as "accountId"', '"accountId"', 'max("accountId"::text)::uuid as "accountId"', '(select id from accounts limit 1) as "accountId"'])),
  one(/\bfrom (projects|tasks|users) (\w)\b/g, (m) => m.replace(/from (\w+) (\w)/, (_, t, x) => pick([`from (select * from ${t}) ${x}`, `from (select * from ${t} limit 3) ${x}`, `from (select "accountId", id, ${t === 'tasks' ? 'title, "projectId"' : 'name'} from ${t}) ${x}`, `from (${t} cross join countries cc) as ${x}`]))),
  one(/using \("accountId", id\)/g, () => pick(['using ("accountId")', 'using (id)', 'on true'])),
  one(/\bselect (?=p\.name|t\.title)/g, () => pick(['select (select count(*) from tasks k where k."accountId" = p."accountId"), ', 'select exists (select 1 from users k where k."accountId" = t."accountId"), ', 'select (select max(k.title) from tasks k), '])),
  one(/ on /g, () => pick([' on exists (select 1 from users k where k."accountId" = p."accountId") and ', ' on p.id = p.id and ', ' on t."accountId" is not null and '])),
];
const plain = ofEach.filter((it) => /^(select|with)/.test(it) && !/delete|insert/.test(it));
test('x', { timeout: 3_000_000 }, async () => {
  let acc = 0, ref = 0, err = 0, tell = 0; const bad: string[] = []; const seen = new Set<string>();
  const count = Number(process.env.N ?? 3000);
  for (let i = 0; i < count; i++) {
    let text = pick(plain); const n = 1 + Math.floor(rnd() * 4); for (let k = 0; k < n; k++) text = pick(muts)(text);
    if (seen.has(text) || plain.includes(text)) continue; seen.add(text);
    const r = refusalOf(() => proveText(text, 'all', 0));
    if (r !== undefined) { ref++; if (ref % 10) continue; }
    const all = await run(text);
    if (all.startsWith('error')) { err++; continue; }
    const alone: string[] = []; for (const t of [a, b, c].map(String)) { const x = await run(text, t); if (x) alone.push(...x.split('\n')); }
    const same = JSON.stringify(all.split('\n').filter(Boolean).sort()) === JSON.stringify(alone.sort());
    if (r !== undefined) { if (!same) tell++; continue; }
    acc++;
    if (!same) bad.push(text);
  }
  console.log('RESULT', { acc, ref, err, tell, bad: bad.length }, '\n' + bad.slice(0, 25).join('\nBAD '));
});
