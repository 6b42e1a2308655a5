/**
 * A span for each statement, with OpenTelemetry's attributes of databases and the tenant, and metrics for each
 * tenancy. Spans are made where a tracer is provided, metrics where `TenantDb.Metrics` is on; otherwise a statement
 * costs two look-ups.
 */
import * as Clock from 'effect/Clock';
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Metric from 'effect/Metric';
import * as Tracer from 'effect/Tracer';
import { ProvedQuery } from '../scope/compiled.js';
import type { DbError } from './db-error.js';
import type { Driver } from './driver.js';

/**
 * Whether statements are counted and timed, by tenancy: never by tenant, of which there may be many.
 *
 * @example Effect.provideService(program, TenantDb.Metrics, true)
 */
export const Metrics = Context.Reference<boolean>('drizzle-tenant/Metrics', { defaultValue: () => false });

/** The duration of statements in seconds, under OpenTelemetry's name, by tenancy, operation and error. */
export const duration = Metric.histogram('db.client.operation.duration', {
  description: 'The duration of statements in seconds',
  boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
});

/** Who is asking, for spans, logs and metrics. */
export function tenantAttributes(query: object): Record<string, string> {
  const scope = ProvedQuery.scopeOf(query);
  if (!scope) return {};
  const { reach, tenancy } = scope;
  return {
    'tenant.scope': reach.kind,
    ...(tenancy ? { 'tenant.tenancy': tenancy.name } : {}),
    ...(reach.kind === 'one' && !isPlaceholder(reach.id) ? { 'tenant.id': String(reach.id) } : {}),
    ...(reach.kind === 'several' ? { 'tenant.id': reach.ids.map(String).join(',') } : {}),
    ...(reach.kind === 'all' ? { 'tenant.reason': reach.reason } : {}),
  };
}

const isPlaceholder = (id: unknown) => typeof id === 'object';

// A comment ends at one place only: where it could end at several, thirty of them before a parenthesis take minutes.
const leading = /^\s*(?:\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/\s*)*(\w+)/;
const operationOf = (text: string) => leading.exec(text)?.[1]?.toUpperCase() ?? 'QUERY';

/** Runs a statement under a span, and counts it, where somebody wants to know. */
export const observed = <A, R>(
  query: { readonly sql: string },
  driver: Driver,
  run: Effect.Effect<A, DbError, R>,
): Effect.Effect<A, DbError, R> =>
  Effect.withFiber((fiber) => {
    const isTraced = fiber.context.mapUnsafe.has(Tracer.Tracer.key);
    const isMeasured = Context.get(fiber.context, Metrics);
    if (!isTraced && !isMeasured) return run;
    const operation = operationOf(query.sql);
    const tenant = tenantAttributes(query);
    const measured = isMeasured
      ? measure(run, { 'db.system.name': 'postgresql', 'db.operation.name': operation, ...tenant })
      : run;
    if (!isTraced) return measured;
    const namespace = driver.attributes['db.namespace'];
    return Effect.useSpan(
      namespace === undefined ? operation : `${operation} ${String(namespace)}`,
      {
        kind: 'client',
        attributes: { ...driver.attributes, 'db.operation.name': operation, 'db.query.text': query.sql, ...tenant },
      },
      (span) =>
        Effect.tapError(measured, (error) =>
          Effect.sync(() => {
            span.attribute('error.type', error.reason._tag);
            if ('code' in error.reason && error.reason.code)
              span.attribute('db.response.status_code', error.reason.code);
          }),
        ),
    );
  });

const measure = <A, R>(
  run: Effect.Effect<A, DbError, R>,
  { 'tenant.id': _, 'tenant.reason': __, ...attributes }: Record<string, string>,
) =>
  Effect.flatMap(Clock.currentTimeNanos, (start) =>
    Effect.onExit(run, (exit) =>
      Effect.flatMap(Clock.currentTimeNanos, (end) =>
        Metric.update(
          Metric.withAttributes(duration, {
            ...attributes,
            ...(Exit.isSuccess(exit) ? {} : { 'error.type': errorOf(exit) }),
          }),
          Number(end - start) / 1e9,
        ),
      ),
    ),
  );

const errorOf = (exit: Exit.Failure<unknown, DbError>): string => {
  const failure = exit.cause.reasons.find((reason) => reason._tag === 'Fail');
  return failure ? (failure as { error: DbError }).error.reason._tag : (exit.cause.reasons[0]?._tag ?? 'Unknown');
};
