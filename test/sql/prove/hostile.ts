/**
 * Hostile statements: what the prover accepts, spoilt in one to three of the ways that an attacker or a mistake would.
 */
import { accepted } from './cases/one.js';

/** Numbers that are the same on every run. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;
type Mutation = (text: string, random: Random) => string;

export const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;

/** Replaces one match, chosen at random. */
const one =
  (pattern: RegExp, replacement: string | ((match: string, random: Random) => string)): Mutation =>
  (text, random) => {
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return text;
    const match = pick(matches, random);
    const by = typeof replacement === 'string' ? match[0].replace(pattern, replacement) : replacement(match[0], random);
    return text.slice(0, match.index) + by + text.slice(match.index + match[0].length);
  };

const predicate = /(?:\w+\.)?(?:"accountId"|account_id|\bid) = (?:@a|'@a'|(?:\w+\.)"accountId")(?:::uuid)?/g;
const table =
  /(?<=\b(?:from|join|into|update|using|,) )(?:projects|tasks|users|x_labels|crm\.notes|accounts|open_tasks)\b/g;
const escaped = (name: string) => `U&"${name[0]}\\${name.charCodeAt(1).toString(16).padStart(4, '0')}${name.slice(2)}"`;

export const mutations: Record<string, Mutation> = {
  'predicate dropped': one(predicate, 'true'),
  'predicate weakened by OR': one(predicate, (it, random) =>
    pick(
      [`(${it} or true)`, `(true or ${it})`, `(${it} or 1 = 1 and true)`, `(${it}) or true`, `${it} or ${it}`],
      random,
    ),
  ),
  'predicate under NOT': one(predicate, (it, random) =>
    pick(
      [`not (${it})`, `not not (${it})`, `(not ${it}) is not null`, `(${it}) is not unknown`, `(${it}) is not null`],
      random,
    ),
  ),
  'predicate under CASE': one(predicate, (it, random) =>
    pick(
      [
        `case when ${it} then true else true end`,
        `coalesce(${it}, true)`,
        `(case when true then ${it} or true end)`,
        `nullif(${it}, false) is not true`,
      ],
      random,
    ),
  ),
  'predicate commented out': one(predicate, (it, random) =>
    pick([`true /* ${it} */`, `true -- ${it}\n`, `/* /* */ ${it} /* */ */ true`, `true /* ' */ /* ${it} */`], random),
  ),
  'predicate in a string': one(predicate, (it, random) =>
    pick(
      [
        `'${it.replaceAll("'", "''")}' <> ''`,
        `$$${it}$$ <> ''`,
        `$x$${it}$x$ is not null`,
        `E'\\x41${it.replaceAll("'", "''")}' is not null`,
      ],
      random,
    ),
  ),
  'predicate after a line comment': one(predicate, (it) => `true --\n and ${it} or true`),
  "another tenant's parameter": one(/@a\b/g, '@b'),
  "another tenant's literal": one(/@a\b/g, (_, random) =>
    pick([`'@b'`, `'@b'::uuid`, `E'@b'`, `$$@b$$`, `U&'@b'`, `uuid '@b'`], random),
  ),
  'a literal in place of the parameter': one(/(?<!')@a\b/g, (_, random) =>
    pick([`'@a'`, `'@a'::uuid`, `E'@a'`, `U&'@a'`, `$q$@a$q$`], random),
  ),
  'several values': one(/ = @a\b/g, (_, random) =>
    pick(
      [
        ' in (@a, @b)',
        ' = any(array[@a, @b]::uuid[])',
        ' in (@a)',
        ' not in (@a)',
        ' = any(array[@a]::uuid[])',
        ' <> all(array[@a]::uuid[])',
        ' in (@b)',
      ],
      random,
    ),
  ),
  'another comparison': one(/ = (?=@a\b)/g, (_, random) =>
    pick(
      [
        ' <> ',
        ' >= ',
        ' <= ',
        ' is distinct from ',
        ' is not distinct from ',
        ' operator(pg_catalog.<>) ',
        ' operator(pg_catalog.=) ',
      ],
      random,
    ),
  ),
  'sides exchanged': one(/("accountId"|account_id) = @a\b/g, '@a = $1'),
  'compared with itself': one(/(\w+)\.("accountId") = (?:@a|\w+\."accountId")/g, '$1.$2 = $1.$2'),
  'another column': one(/"accountId" = @a/g, (_, random) =>
    pick(['id = 1', 'name = name', '"accountId" = "accountId"', '"accountId" is not null'], random),
  ),
  'a cast': one(/@a\b/g, (_, random) =>
    pick(['@a::uuid', '@a::text::uuid', '@a::varchar(36)::uuid', 'cast(@a as uuid)', '(@a)::uuid', '@b::uuid'], random),
  ),
  'the column cast': one(/"accountId" = @a\b/g, (_, random) =>
    pick(
      [
        '"accountId"::text = @a',
        'left("accountId"::text, 0) = left(@a, 0)',
        '"accountId"::text like @a',
        '"accountId"::text <> @a',
        'length("accountId"::text) = length(@a)',
      ],
      random,
    ),
  ),
  'inner join made outer': one(/(?<!left |right |full |cross )\bjoin\b/g, (_, random) =>
    pick(['left join', 'right join', 'full join'], random),
  ),
  'outer join turned': one(/\b(?:left|right|full) join\b/g, (_, random) =>
    pick(['left join', 'right join', 'full join', 'join'], random),
  ),
  'join without condition': one(/\bjoin (\w+ ?\w*) on /g, 'cross join $1 where '),
  'WHERE moved': one(/ where /g, (_, random) =>
    pick([' having ', ' group by 1 having ', ' order by ', ' -- where\n order by ', ' limit 5 -- '], random),
  ),
  'condition moved to OR': one(/ and /g, ' or '),
  'table in quotes': one(table, (it, random) =>
    it.includes('.')
      ? it
      : pick(
          [`"${it}"`, it.toUpperCase(), escaped(it), `public.${it}`, `public."${it}"`, `/**/${it}/**/`, `only ${it}`],
          random,
        ),
  ),
  'another table': one(table, (_, random) =>
    pick(
      [
        'projects',
        'tasks',
        'users',
        'x_labels',
        'crm.notes',
        'accounts',
        'open_tasks',
        'project_sizes',
        'boards',
        'pg_class',
        'countries',
      ],
      random,
    ),
  ),
  'columns renamed': one(/\bfrom (projects|tasks|users) (p|t|u)\b/g, 'from $1 $2(id, "accountId")'),
  'alias confused': one(/\b(p|t)\."accountId" = /g, (it) =>
    it.startsWith('p') ? 't."accountId" = ' : 'p."accountId" = ',
  ),
  'alias dropped': one(/\b(?:p|t|u)\.(?="accountId")/g, () => ''),
  'a hidden subquery': one(
    /\bselect (?!distinct|all)/g,
    (it, random) =>
      it +
      pick(
        [
          '(select count(*) from tasks), ',
          '(select max(name) from projects), ',
          'array(select title from tasks), ',
          'exists (select 1 from users), ',
          '(select count(*) from tasks where "accountId" = @a), ',
          '(select sum(points) from tasks t where t."accountId" = @b), ',
        ],
        random,
      ),
  ),
  'a subquery in LIMIT': (text, random) =>
    text +
    pick(
      [
        ' limit (select count(*) from tasks)',
        ' offset (select min(points) from tasks)',
        ' limit (select count(*) from tasks where "accountId" = @a)',
      ],
      random,
    ),
  'a set operation': (text, random) =>
    `${text} ${pick(['union all', 'union', 'except', 'intersect'], random)} ` +
    pick(
      [
        'select name from projects',
        'select title from tasks',
        'select name from projects where "accountId" = @a',
        'select name from countries',
        'select null::text',
      ],
      random,
    ),
  'a second statement': (text, random) =>
    text +
    pick(
      ['; select * from projects', '; delete from tasks', ';;', '; -- ', '\n;select 1', "; set search_path = ''"],
      random,
    ),
  'shadowed by a CTE': (text, random) => {
    const cte = pick(
      [
        'countries as (select id, name, name as code from projects)',
        'projects as (select * from tasks)',
        'tasks as (select * from projects where "accountId" = @a)',
        'tasks as (select "accountId" from projects)',
        'x as (select * from users)',
        'tasks as (select 1 as id, @a::uuid as "accountId")',
        'projects as (table projects)',
      ],
      random,
    );
    return /^with recursive /.test(text)
      ? text.replace('with recursive ', `with recursive ${cte}, `)
      : /^with /.test(text)
        ? text.replace('with ', `with ${cte}, `)
        : `with ${cte} ${text}`;
  },
  'wrapped with another table': (text, random) =>
    pick(
      [
        `select * from (${text}) q, tasks`,
        `select * from (${text}) q cross join lateral (select count(*) from users) z`,
        `select (select count(*) from (${text}) q), name from projects`,
        `select * from (${text}) q left join tasks t on t."accountId" = @a`,
        `select * from tasks t left join (${text}) q on t."accountId" = @a`,
        `select * from tasks t right join (${text}) q on t."accountId" = @a`,
        `select * from (${text}) q full join tasks t on t."accountId" = @a`,
      ],
      random,
    ),
  'a function': (text, random) =>
    one(
      /\bselect (?!distinct|all)/g,
      (it) =>
        it +
        pick(
          [
            "query_to_xml('select * from projects', true, true, ''), ",
            "table_to_xml('projects', true, true, ''), ",
            'pg_relation_size(1), ',
            "(select count(*) from rows from (ts_stat('select to_tsvector(name) from projects'))), ",
            "database_to_xml(true, true, ''), ",
            "currval('x'), ",
            'g.version, ',
            "pg_catalog.query_to_xml('table tasks', true, true, ''), ",
          ],
          random,
        ),
    )(text, random),
  'SET of the tenant': one(/\bset (?=\w)/g, (_, random) =>
    pick(['set "accountId" = @b, ', `set "accountId" = '@b', `, 'set "accountId" = @a, '], random),
  ),
  'conflict target without the tenant': one(/on conflict \("accountId", id\)/g, (_, random) =>
    pick(['on conflict (id)', 'on conflict on constraint projects_pkey', 'on conflict (name)', 'on conflict'], random),
  ),
  'a sample': one(table, (it) => `${it} tablesample bernoulli (100)`),
  'a row comparison': one(/"accountId" = @a/g, (_, random) =>
    pick(
      [
        '("accountId", 1) = (@a, 1)',
        '("accountId", 1) >= (@a, 0)',
        'row("accountId") <> row(@a)',
        '("accountId" = @a) = ("accountId" = @a)',
        '"accountId" = (select @a::uuid)',
        '"accountId" in (select "accountId" from projects)',
      ],
      random,
    ),
  ),
};

/** A hostile statement, and what was done to it. */
export interface Hostile {
  readonly text: string;
  readonly by: readonly string[];
}

/** @returns `count` statements, each differing from all others and from the accepted ones */
export function hostileStatements(count: number, seed: number): Hostile[] {
  const random = randomFrom(seed);
  const names = Object.keys(mutations);
  const found = new Map<string, Hostile>();
  for (let i = 0; found.size < count; i++) {
    let text = pick(accepted, random);
    const original = text;
    const by: string[] = [];
    // Every mutation gets its turn as the first one.
    const wanted = 1 + Math.floor(random() * 3);
    for (let tries = 0; by.length < wanted && tries < 20; tries++) {
      const name = by.length === 0 && tries === 0 ? names[i % names.length]! : pick(names, random);
      const mutated = mutations[name]!(text, random);
      if (mutated === text) continue;
      text = mutated;
      by.push(name);
    }
    if (text !== original && !accepted.includes(text) && !found.has(text)) found.set(text, { text, by });
  }
  return [...found.values()];
}
