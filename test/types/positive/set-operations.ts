/** Set operations: methods, their callback form, and Drizzle's functions. */
import { asc, eq } from 'drizzle-orm';
import { except, exceptAll, intersect, intersectAll, union, unionAll } from 'drizzle-orm/pg-core';
import { Expect, type Equal } from './expect.js';
import { countries, db, labels, projects, tasks, users, type TaskRow } from './schema.js';

type Named = { name: string }[];

// methods
{
  const rows = await db
    .select({ name: projects.name })
    .from(projects)
    .union(db.select({ name: labels.name }).from(labels))
    .orderBy(asc(projects.name))
    .limit(10)
    .offset(1);
  Expect<Equal<typeof rows, Named>>;
}

// chained
{
  const rows = await db
    .select({ name: projects.name })
    .from(projects)
    .unionAll(db.select({ name: labels.name }).from(labels))
    .except(db.select({ name: users.email }).from(users));
  Expect<Equal<typeof rows, Named>>;
}

// each of the others
{
  const left = () => db.select({ name: projects.name }).from(projects);
  const right = () => db.select({ name: labels.name }).from(labels);
  const rows = [
    await left().intersect(right()),
    await left().intersectAll(right()),
    await left().exceptAll(right()),
    await left().unionAll(right()),
  ];
  Expect<Equal<typeof rows, Named[]>>;
}

// callback
{
  const rows = await db
    .select({ name: projects.name })
    .from(projects)
    .union(({ intersect }) =>
      intersect(db.select({ name: labels.name }).from(labels), db.select({ name: users.email }).from(users)),
    );
  Expect<Equal<typeof rows, Named>>;
}

// whole rows, of joins and with conditions on either side
{
  const rows = await db
    .select()
    .from(tasks)
    .where(eq(tasks.done, true))
    .union(db.select().from(tasks).where(eq(tasks.id, 1)));
  Expect<Equal<typeof rows, TaskRow[]>>;
  const joined = await db
    .select({ id: tasks.id })
    .from(tasks)
    .innerJoin(projects, eq(projects.id, tasks.projectId))
    .intersect(db.select({ id: labels.id }).from(labels));
  Expect<Equal<typeof joined, { id: number }[]>>;
}

// Drizzle's union
{
  const rows = await union(
    db.select({ name: projects.name }).from(projects),
    db.select({ name: labels.name }).from(labels),
  ).limit(3);
  Expect<Equal<typeof rows, Named>>;
}

// Drizzle's other functions
{
  const a = db.select({ name: projects.name }).from(projects);
  const b = db.select({ name: labels.name }).from(labels);
  const rows = [
    await unionAll(a, b),
    await intersect(a, b),
    await intersectAll(a, b),
    await except(a, b),
    await exceptAll(a, b),
  ];
  Expect<Equal<typeof rows, Named[]>>;
}

// Drizzle's, of more than two, and of one another
{
  const a = db.select({ name: projects.name }).from(projects);
  const b = db.select({ name: labels.name }).from(labels);
  const c = db.select({ name: countries.name }).from(countries);
  const rows = await unionAll(a, b, c).orderBy(asc(projects.name));
  Expect<Equal<typeof rows, Named>>;
  const nested = await union(a, except(b, c));
  Expect<Equal<typeof nested, Named>>;
}

// as a subquery
{
  const names = union(
    db.select({ name: projects.name }).from(projects),
    db.select({ name: labels.name }).from(labels),
  ).as('names');
  const rows = await db.select().from(names);
  Expect<Equal<typeof rows, Named>>;
  const method = db
    .select({ name: projects.name })
    .from(projects)
    .union(db.select({ name: labels.name }).from(labels))
    .as('names');
  const same = await db.select({ name: method.name }).from(method);
  Expect<Equal<typeof same, Named>>;
}
