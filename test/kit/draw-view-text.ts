/**
 * Draws the text of views at random: queries with the columns tenant, id and x over the tables of
 * `views-random.test.ts`. Most keep tenants apart, and many do not: at each place where a query may forget the tenant,
 * some of them do.
 */

/** A generator of numbers from a seed, so that a failure can be drawn again. */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
  chance = (p: number): boolean => this.next() < p;
  of = <T>(...list: readonly T[]): T => list[Math.floor(this.next() * list.length)]!;
}

/** A source of rows in sight, which has the columns tenant, id and x, or only the last two. */
interface InSight {
  readonly alias: string;
  readonly hasTenant: boolean;
}

/** Where a query stands: how deep, which CTEs it may name, and the rows around it that it may be correlated with. */
interface Around {
  readonly depth: number;
  readonly ctes: readonly string[];
  readonly outer: readonly InSight[];
}

/** How often a query remembers the tenant where it can forget it. */
const remembers = 0.88;

export class ViewText {
  #aliases = 0;
  constructor(readonly dice: Dice) {}

  view(): string {
    const { dice } = this;
    if (dice.chance(0.04))
      return (
        'with recursive tasks as (select x as tenant, id, x ' +
        `from countries) ${this.#query({ depth: 1, ctes: [], outer: [] })}`
      );
    if (!dice.chance(0.2)) return this.#query({ depth: 2, ctes: [], outer: [] });
    const names = dice.of('c', 'c(tenant, id, x)', 'tasks');
    const body = this.#query({ depth: 1, ctes: [], outer: [] });
    return (
      `with ${names} as ${dice.of('', 'materialized ')}(${body}) ` +
      `${this.#query({ depth: 1, ctes: [names.split('(')[0]!], outer: [] })}`
    );
  }

  #query(around: Around): string {
    const { dice } = this;
    if (around.depth === 0 || !dice.chance(0.15)) return this.#select(around);
    const inner = { ...around, depth: around.depth - 1 };
    return (
      `(${this.#select(inner)}) ${dice.of('union', 'union all', 'intersect', 'except', 'except all')} ` +
      `(${this.#select(inner)})`
    );
  }

  #select(around: Around): string {
    const { dice } = this;
    const [from, items] = this.#from(around);
    const withTenant = items.filter((it) => it.hasTenant);
    const first = withTenant[0] ?? items[0]!;
    const tenants = withTenant.map((it) => `${it.alias}.tenant`);
    const merged = tenants.length > 1 && (/full join/.test(from) ? dice.chance(0.8) : dice.chance(0.1));
    const tenant =
      tenants.length === 0 || dice.chance(0.04)
        ? dice.of(`${first.alias}.x`, '1')
        : merged
          ? `coalesce(${tenants.join(', ')})`
          : dice.chance(0.9)
            ? tenants[0]!
            : dice.of(...tenants);
    const sight = { ...around, depth: around.depth - 1, outer: [...around.outer, ...items] };
    const correlated = around.outer.filter((it) => it.hasTenant);
    const conditions: string[] = [];
    if (correlated.length > 0 && dice.chance(remembers))
      for (const it of tenants) conditions.push(`${it} = ${dice.of(...correlated).alias}.tenant`);
    if (dice.chance(0.3)) conditions.push(this.#condition(items, sight));
    const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
    const limit = dice.chance(around.outer.length > 0 ? 0.3 : 0.03)
      ? ` limit ${dice.of(1, 2, 3)}`
      : dice.chance(0.02)
        ? ' offset 1'
        : dice.chance(0.02)
          ? ' fetch first 2 rows with ties'
          : '';

    if (dice.chance(0.2)) {
      const keys = [
        ...(dice.chance(remembers) ? [dice.chance(0.3) ? '1' : tenant] : []),
        ...(dice.chance(0.6) ? [`${first.alias}.x`] : []),
      ];
      const others = dice.chance(0.15)
        ? [
            dice.of(
              `rollup (${keys.join(', ') || tenant})`,
              `grouping sets ((${tenant}), ())`,
              `cube (${first.alias}.id)`,
            ),
          ]
        : [];
      const by = [...keys, ...others].join(', ') || 'true';
      const total = () =>
        dice.of(
          'count(*)',
          `sum(${first.alias}.x)`,
          `min(${first.alias}.id)`,
          `count(distinct ${first.alias}.x)`,
          `sum(count(*)) over (${this.#partition(tenant)})`,
          `rank() over (${this.#partition(tenant)} order by count(*))`,
        );
      const having = dice.chance(0.3) ? ` having ${dice.of('count(*) > 1', `max(${first.alias}.x) < 4`)}` : '';
      return (
        `select ${tenant} as tenant, ${total()} as id, ${total()} as x from ${from}${where} ` +
        `group by ${by}${having} order by 1, 2, 3${limit}`
      );
    }
    const named = dice.chance(0.15) ? ` window w as (${this.#partition(tenant)})` : '';
    const value = () => this.#value(items, tenant, sight, named !== '');
    const [id, x] = [value(), value()];
    if (dice.chance(0.12)) {
      const on = [...(dice.chance(remembers) ? [tenant] : []), ...(dice.chance(0.6) ? [value()] : [])];
      const list = on.length > 0 ? on : [`${first.alias}.x`];
      return (
        `select distinct on (${list.join(', ')}) ${tenant} as tenant, ${id} as id, ${x} as x ` +
        `from ${from}${where}${named} order by ${list.join(', ')}, 1, 2, 3${limit}`
      );
    }
    const order = dice.chance(0.1) ? ` order by ${value()}, 1, 2, 3` : ' order by 1, 2, 3';
    return (
      `select ${dice.chance(0.1) && order === ' order by 1, 2, 3' ? 'distinct ' : ''}${tenant} ` +
      `as tenant, ${id} as id, ${x} as x from ${from}${where}${named}${order}${limit}`
    );
  }

  #from(around: Around): [string, InSight[]] {
    const { dice } = this;
    const items: InSight[] = [];
    let [text, first] = this.#source(around, []);
    items.push(first);
    for (let more = dice.chance(0.4) ? (dice.chance(0.25) ? 2 : 1) : 0; more > 0; more -= 1) {
      const [source, item] = this.#source(around, items);
      const left = dice.of(...items);
      const isComma = dice.chance(0.1);
      const kind = dice.of('join', 'join', 'left join', 'right join', 'full join');
      const both = left.hasTenant && item.hasTenant;
      const equal = both && dice.chance(remembers) ? [`${item.alias}.tenant = ${left.alias}.tenant`] : [];
      const on = [
        ...equal,
        ...(dice.chance(0.5) && kind !== 'full join' ? [`${item.alias}.id ${dice.of('=', '<')} ${left.alias}.id`] : []),
      ];
      if (isComma) text = `${text} cross join ${source}`;
      else if (both && items.length === 1 && dice.chance(0.15))
        text = `${text} ${kind} ${source} using (tenant${dice.chance(0.4) ? ', id' : ''})`;
      else
        text =
          `${text} ${kind} ${source} on ` +
          `${on.length === 0 ? 'true' : dice.chance(0.05) ? on.join(' or ') : on.join(' and ')}`;
      items.push(item);
    }
    return [text, items];
  }

  #source(around: Around, before: readonly InSight[]): [string, InSight] {
    const { dice } = this;
    const alias = `a${(this.#aliases += 1)}`;
    const item = { alias, hasTenant: true };
    if (around.depth > 0 && dice.chance(0.25)) {
      const lateral = before.length > 0 && dice.chance(0.4);
      const inner = {
        ...around,
        depth: around.depth - 1,
        outer: lateral ? [...around.outer, ...before] : around.outer,
      };
      return [`${lateral ? 'lateral ' : ''}(${this.#query(inner)}) ${alias}`, item];
    }
    if (dice.chance(0.08)) return [`countries ${alias}`, { alias, hasTenant: false }];
    return [`${dice.of('tasks', 'projects', ...around.ctes, ...around.ctes)} ${alias}`, item];
  }

  #partition(tenant: string): string {
    return this.dice.chance(remembers) ? `partition by ${tenant}` : this.dice.of('', 'partition by 1');
  }

  #window(items: readonly InSight[], tenant: string, isNamed: boolean): string {
    const { dice } = this;
    const { alias } = dice.of(...items);
    const over =
      isNamed && dice.chance(0.5)
        ? dice.of('w', `(w order by ${alias}.x)`)
        : `(${this.#partition(tenant)} order by ${alias}.${dice.of('x', 'id')})`;
    const all = ['rank()', 'dense_rank()', 'count(*)', `sum(${alias}.x)`, `min(${alias}.id)`, 'ntile(1)'];
    return `${dice.of(...all)} over ${over}`;
  }

  #value(items: readonly InSight[], tenant: string, sight: Around, isNamed: boolean): string {
    const { dice } = this;
    const { alias } = dice.of(...items);
    const one = () => (dice.chance(0.3) ? this.#window(items, tenant, isNamed) : `${alias}.${dice.of('id', 'x')}`);
    if (!dice.chance(0.35)) return one();
    if (sight.depth < 0) return `coalesce(${one()}, ${one()}, 0)`;
    const list = () => `select s.${dice.of('id', 'x')} from (${this.#query(sight)}) s`;
    return dice.of(
      () => `(select ${dice.of('count(*)', 'sum(s.x)', 'max(s.id)')} from (${this.#query(sight)}) s)`,
      () => `(${one()} ${dice.of('in', 'not in', '= any', '< all')} (${list()}))::int`,
      () => `((${one()}, ${one()}) in (select s.id, s.x from (${this.#query(sight)}) s))::int`,
      () => `exists (${this.#query(sight)})::int`,
      () => `case when ${one()} > 2 then ${one()} else ${one()} end`,
      () => `cardinality(array(${list()}))`,
    )();
  }

  #condition(items: readonly InSight[], sight: Around): string {
    const { dice } = this;
    const { alias } = dice.of(...items);
    const plain =
      `${alias}.${dice.of('id', 'x')} ${dice.of('>', '<', '=', 'is distinct from')} ` +
      `${dice.of('1', '2', `${dice.of(...items).alias}.x`)}`;
    if (sight.depth < 0 || !dice.chance(0.4)) return plain;
    return dice.of(
      `exists (${this.#query(sight)})`,
      `${alias}.id in (select s.id from (${this.#query(sight)}) s)`,
      `(${plain} or ${alias}.x is null)`,
    );
  }
}
