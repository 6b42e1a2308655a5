import { eq, sql } from 'drizzle-orm';
import { Effect, Exit, Layer, Logger, Metric, References, Stream, Tracer } from 'effect';
import { describe, expect, it, vi } from 'vitest';
import { TenantDb } from '../../src/effect/index.js';
import { testDatabase } from './database.js';
import { a, b, Db, projects, tasks } from './schema.js';

const test = testDatabase('telemetry');

function recorder() {
  const spans: Tracer.NativeSpan[] = [];
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options);
      spans.push(span);
      return span;
    },
  });
  return { spans, layer: Layer.succeed(Tracer.Tracer, tracer) };
}
const attributesOf = (span: Tracer.NativeSpan) => Object.fromEntries(span.attributes);

describe('spans', () => {
  it('are one per statement, with the attributes of a database and the tenant', async () => {
    const { spans, layer } = recorder();
    const program = Effect.gen(function* () {
      const db = yield* Db;
      yield* db.select().from(projects).where(eq(projects.name, 'private'));
      yield* db.insert(projects).values({ id: 80, name: 'eighty' });
      yield* Effect.flip(db.insert(projects).values({ id: 81, name: 'eighty' }));
      yield* db.transaction((tx) => tx.delete(projects).where(eq(projects.id, 80)));
      yield* db.query.projects.findMany({ with: { tasks: true } });
      yield* Stream.runDrain(db.select().from(tasks).stream());
    });
    await Effect.runPromise(
      Db.forTenant(a, Effect.withSpan(program, 'request')).pipe(Effect.provide(test.layer()), Effect.provide(layer)),
    );
    const [request, ...statements] = spans;
    expect(request!.name).toBe('request');
    expect(statements.map((span) => attributesOf(span)['db.operation.name'])).toEqual([
      'SELECT',
      'INSERT',
      'INSERT',
      'DELETE',
      'SELECT',
      'SELECT',
    ]);
    for (const span of statements) {
      expect(span.kind).toBe('client');
      expect(span.parent._tag === 'Some' && span.parent.value.spanId).toBe(request!.spanId);
      expect(attributesOf(span)).toMatchObject({
        'db.system.name': 'postgresql',
        'db.namespace': new URL(test.url).pathname.slice(1),
        'server.address': new URL(test.url).hostname,
        'server.port': Number(new URL(test.url).port),
        'tenant.tenancy': 'account',
        'tenant.id': a,
        'tenant.scope': 'one',
      });
      expect(span.status._tag).toBe('Ended');
    }
    expect(attributesOf(statements[0]!)['db.query.text']).toContain('"projects"');
    expect(JSON.stringify(statements.map(attributesOf))).not.toContain('private');
    expect(attributesOf(statements[2]!)).toMatchObject({
      'error.type': 'UniqueViolation',
      'db.response.status_code': '23505',
    });
    expect(statements[2]!.status._tag === 'Ended' && Exit.isFailure(statements[2]!.status.exit)).toBe(true);
  });

  it('tell the operation behind comments, however many there are', async () => {
    const { spans, layer } = recorder();
    const comments = '/**/ /* a ** b */'.repeat(60);
    const program = Effect.gen(function* () {
      const db = yield* Db;
      yield* db.execute(sql.raw(`${comments} select 1`));
      yield* db.execute(sql.raw(`${comments} (select 1)`));
    });
    await Effect.runPromise(Db.forTenant(a, program).pipe(Effect.provide(test.layer()), Effect.provide(layer)));
    expect(spans.map((span) => attributesOf(span)['db.operation.name'])).toEqual(['SELECT', 'QUERY']);
  });

  it('say that a statement crosses tenants, and why', async () => {
    const { spans, layer } = recorder();
    const program = Effect.all([
      Db.acrossTenants(
        { reason: 'nightly report' },
        Effect.flatMap(Db.AcrossTenants, (db) => db.$count(tasks)),
      ),
      Effect.flatMap(Db.Several, (db) => db.select().from(tasks)).pipe(Effect.provide(Db.forTenants([a, b]))),
    ]);
    await Effect.runPromise(program.pipe(Effect.provide(test.layer()), Effect.provide(layer)));
    expect(spans.map(attributesOf)).toMatchObject([
      { 'tenant.scope': 'all', 'tenant.reason': 'nightly report' },
      { 'tenant.scope': 'several', 'tenant.id': `${a},${b}` },
    ]);
  });
});

describe('nothing', () => {
  it('is made of a statement where nobody provided a tracer', async () => {
    const native = await Effect.runPromise(Effect.tracer);
    const made = vi.spyOn(native, 'span');
    const counted = Effect.flatMap(Db, (db) => db.$count(tasks));
    await test.run(counted);
    expect(made).not.toHaveBeenCalled();
    await test.run(Effect.withSpan(counted, 'own'));
    expect(made.mock.calls.map(([options]) => options.name)).toEqual(['own']);
    made.mockRestore();
  });
});

describe('metrics', () => {
  it('count and time statements by tenancy where they are on', async () => {
    const program = Effect.flatMap(Db, (db) =>
      Effect.all([db.$count(tasks), db.$count(tasks), Effect.exit(db.execute(sql`select 1/0`))]),
    );
    const measured = (isOn: boolean) =>
      Effect.runPromise(
        Effect.andThen(Effect.provideService(Db.forTenant(a, program), TenantDb.Metrics, isOn), Metric.snapshot).pipe(
          Effect.provide(test.layer()),
          Effect.provideService(Metric.MetricRegistry, new Map()),
        ),
      );
    expect(await measured(false)).toEqual([]);
    const snapshot: any[] = [...(await measured(true))];
    expect(
      snapshot.map((it) => [
        it.id,
        it.attributes['db.operation.name'],
        it.attributes['tenant.tenancy'],
        it.attributes['error.type'],
        it.state.count,
      ]),
    ).toEqual([
      ['db.client.operation.duration', 'SELECT', 'account', undefined, 2],
      ['db.client.operation.duration', 'SELECT', 'account', 'QueryError', 1],
    ]);
    expect(JSON.stringify(snapshot)).not.toContain(a);
  });
});

describe('logs', () => {
  it('name the tenant', async () => {
    const seen: unknown[] = [];
    const logger = Logger.make(
      ({ fiber, message }) => void seen.push([message, fiber.getRef(References.CurrentLogAnnotations)]),
    );
    const program = Effect.gen(function* () {
      yield* Effect.log('outer');
      yield* Db.forTenant(b, Effect.log('inner'));
      yield* Effect.log('layered').pipe(Effect.provide(Db.forTenant(b)));
      yield* Effect.log('outer again');
    }).pipe(Effect.annotateLogs({ request: 1 }));
    await Effect.runPromise(
      Db.forTenant(a, program).pipe(Effect.provide(test.layer()), Effect.provide(Logger.layer([logger]))),
    );
    const own = { request: 1, tenancy: 'account' };
    expect(seen).toEqual([
      [['outer'], { ...own, tenant: a }],
      [['inner'], { ...own, tenant: b }],
      [['layered'], { ...own, tenant: b }],
      [['outer again'], { ...own, tenant: a }],
    ]);
  });
});
