/** Statements of several tenants, spoilt in one to four of the ways in which a join goes wrong. */
import { randomFrom } from './hostile.js';

export { randomFrom };
type Random = () => number;
type Mutation = (text: string, random: Random) => string;

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;

/** Replaces one match, chosen at random. */
const one =
  (pattern: RegExp, by: (match: string, random: Random) => string): Mutation =>
  (text, random) => {
    const matches = [...text.matchAll(pattern)];
    if (matches.length === 0) return text;
    const match = pick(matches, random);
    return text.slice(0, match.index) + by(match[0], random) + text.slice(match.index + match[0].length);
  };

const equality = /\w+\.("accountId"|account_id|a\b|id) = \w+\.("accountId"|account_id|a\b|id)/g;
const joins = ['left join', 'right join', 'full join', 'join'];

const mutations: readonly Mutation[] = [
  one(/(?<!left |right |full |cross |natural )\bjoin\b/g, (_, random) => pick(joins, random)),
  one(/\b(left|right|full) join\b/g, (_, random) => pick(joins, random)),
  one(equality, () => 'true'),
  one(equality, (it) => `(${it} or 1 = 0)`),
  one(equality, (it) => `(${it} and true)`),
  one(equality, (it) => `not (not ${it})`),
  one(equality, (it) => it.split(' = ').reverse().join(' = ')),
  one(equality, (it, random) => it.replace(/^\w+\./, pick(['p.', 't.', 'u.', 'q.', 'n.'], random))),
  one(equality, (it, random) => it.replace(/= \w+\./, `= ${pick(['p.', 't.', 'u.', 'q.', 'x.'], random)}`)),
  one(equality, (it) => it.replaceAll('"accountId"', 'id')),
  one(/ and /g, () => ' or '),
  one(/ where /g, () => ' where true or '),
  one(/group by [^)]*?(?=\))/g, (_, random) =>
    pick(['', 'group by 1', 'group by 2', 'group by 1, 2', 'group by rollup (1, 2)'], random),
  ),
  one(/\(select (?!\(|distinct)/g, () => '(select distinct '),
  one(/\(select [^()]*\) (?=\w)/g, (it, random) =>
    it.replace(
      /\) $/,
      pick(
        [
          ' limit 2) ',
          ' offset 1) ',
          ' order by 1) ',
          ' union select * from tasks) ',
          ' group by 1) ',
          ' for update) ',
        ],
        random,
      ),
    ),
  ),
  one(/"accountId"(?=,)/g, (_, random) =>
    pick(
      [
        'null::uuid as "accountId"',
        'max("accountId"::text)::uuid as "accountId"',
        '(select id from accounts limit 1) as "accountId"',
      ],
      random,
    ),
  ),
  one(/\bfrom (projects|tasks|users) (\w)\b/g, (it, random) => {
    const [, table, name] = it.split(' ');
    const columns = table === 'tasks' ? 'title, "projectId"' : 'name';
    return pick(
      [
        `from (select * from ${table}) ${name}`,
        `from (select * from ${table} limit 3) ${name}`,
        `from (select "accountId", id, ${columns} from ${table}) ${name}`,
        `from (${table} cross join countries cc) as ${name}`,
      ],
      random,
    );
  }),
  one(/using \("accountId", id\)/g, (_, random) => pick(['using ("accountId")', 'using (id)', 'on true'], random)),
  one(/\bselect (?=p\.name|t\.title)/g, (_, random) =>
    pick(
      [
        'select (select count(*) from tasks k where k."accountId" = p."accountId"), ',
        'select exists (select 1 from users k where k."accountId" = t."accountId"), ',
        'select (select max(k.title) from tasks k), ',
      ],
      random,
    ),
  ),
  one(/ on /g, (_, random) =>
    pick(
      [
        ' on exists (select 1 from users k where k."accountId" = p."accountId") and ',
        ' on p.id = p.id and ',
        ' on t."accountId" is not null and ',
      ],
      random,
    ),
  ),
];

/** One of the statements, spoilt. */
export function hostileOf(statements: readonly string[], random: Random): string {
  let text = pick(statements, random);
  for (let i = 1 + Math.floor(random() * 4); i > 0; i--) text = pick(mutations, random)(text, random);
  return text;
}
