/**
 * Statements at random over tables with rows of everybody: joins of every kind, subqueries in each place, and locks.
 */
import { Draw } from '../random/spec.js';

const tables = {
  eb_templates: ['id', 'name', 'size', 'firm_id'],
  eb_kinds: ['id', 'label', 'firm_id'],
  eb_jobs: ['id', 'template_id', 'kind_id', 'title', 'n', 'firm_id'],
} as const;
const keys = ['id', 'template_id', 'kind_id', 'size', 'n'];

class Statement {
  #names = 0;

  constructor(readonly draw: Draw) {}

  /** A source of rows, and the columns by which conditions name it. */
  source(depth: number): { text: string; name: string; columns: readonly string[] } {
    const name = `s${++this.#names}`;
    if (depth > 0 && this.draw.chance(0.2)) {
      const inner = this.query(depth - 1, ['id', 'k']);
      return { text: `(${inner}) ${name}`, name, columns: ['id', 'k'] };
    }
    const table = this.draw.of(Object.keys(tables)) as keyof typeof tables;
    return { text: `${table} ${name}`, name, columns: tables[table] };
  }

  key({ name, columns }: { name: string; columns: readonly string[] }): string {
    return `${name}.${this.draw.of(columns.filter((it) => keys.includes(it) || it === 'k'))}`;
  }

  /** A condition on sources of rows, and on those of a query around. */
  condition(sources: readonly { name: string; columns: readonly string[] }[], depth: number): string {
    const { draw } = this;
    const one = draw.of(sources);
    const kind = draw.below(7);
    if (kind === 0) return `${this.key(one)} = ${this.key(draw.of(sources))}`;
    if (kind === 1) return `${this.key(one)} > ${draw.below(20)}`;
    if (kind === 2 && one.columns.includes('firm_id')) return `${one.name}.firm_id is ${draw.of(['', 'not '])}null`;
    if (kind === 3 && depth > 0) return `${this.key(one)} in (${this.query(depth - 1, ['k'], sources)})`;
    if (kind === 4 && depth > 0) return `${draw.of(['', 'not '])}exists (${this.query(depth - 1, ['k'], sources)})`;
    if (kind === 5) return `(${this.condition(sources, 0)} or ${this.condition(sources, 0)})`;
    return `${this.key(one)} <= ${this.key(draw.of(sources))}`;
  }

  query(
    depth: number,
    columns: readonly string[],
    around: readonly { name: string; columns: readonly string[] }[] = [],
  ): string {
    const { draw } = this;
    const first = this.source(depth);
    const sources = [first];
    let from = first.text;
    for (let i = draw.below(3); i > 0; i--) {
      const next = this.source(depth);
      const join = draw.of(['join', 'left join', 'right join', 'full join', 'cross join']);
      const both = [...sources, next];
      // FULL JOIN asks for a condition that can be merged.
      const on =
        join === 'cross join'
          ? ''
          : join === 'full join'
            ? ` on ${this.key(draw.of(sources))} = ${this.key(next)}`
            : ` on ${this.condition(both, 0)}`;
      from += ` ${join} ${next.text}${on}`;
      sources.push(next);
    }
    const isGrouped = draw.chance(0.2);
    const group = this.key(draw.of(sources));
    const valueOf = (i: number) => {
      if (isGrouped) return i === 0 ? group : `count(${this.key(draw.of(sources))})::int`;
      return draw.chance(0.2) && depth > 0 ? `(${this.scalar(depth - 1, sources)})` : this.key(draw.of(sources));
    };
    const value = (column: string, i: number) => `${valueOf(i)} as ${column}`;
    const where = draw.chance(0.6) ? ` where ${this.condition([...sources, ...around], depth)}` : '';
    return `select ${columns.map(value).join(', ')} from ${from}${where}${isGrouped ? ` group by ${group}` : ''}`;
  }

  scalar(depth: number, around: readonly { name: string; columns: readonly string[] }[]): string {
    const it = this.source(0);
    return `select count(*)::int from ${it.text} where ${this.condition([it, ...around], depth)}`;
  }

  text(): string {
    const { draw } = this;
    const kind = draw.below(10);
    if (kind === 0)
      return (
        `update ${draw.of(Object.keys(tables))} t set id = t.id where t.id in (${this.query(1, ['k'])}) ` +
        'returning id'
      );
    if (kind === 1)
      return (
        `delete from ${draw.of(Object.keys(tables))} t ` +
        `where exists (${this.query(1, ['k'], [{ name: 't', columns: ['id'] }])}) returning id`
      );
    if (kind === 2)
      return (
        "insert into eb_jobs (id, n, title) select 1000 + row_number() over (order by x.a, x.b), x.a, 'new' " +
        `from (${this.query(1, ['a', 'b'])}) x returning n`
      );
    if (kind === 3)
      return (
        `with x as (${this.query(1, ['id', 'k'])}) select x.id, x.k, t.id as t from x left ` +
        `join ${draw.of(Object.keys(tables))} t on t.id = x.k`
      );
    return this.query(2, ['a', 'b']);
  }
}

export function* drawn(count: number): Generator<string> {
  for (let i = 0; i < count; i++) yield new Statement(new Draw(7000 + i)).text();
}
