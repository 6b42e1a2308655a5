/** A tenant as a whole, as Effects: an interruption ends the connection, and what was not committed is undone. */
import * as Effect from 'effect/Effect';
import * as Stream from 'effect/Stream';
import type {
  CloneOptions,
  CompareOptions,
  ComparedWithExport,
  Comparison,
  Counted,
  EraseOptions,
  EraseRecord,
  ExportOptions,
  ExportToOptions,
  Imported,
  ImportOptions,
  Manifest,
  Restored,
} from '../data/index.js';
import type { TenantData } from '../data/tenant-data.js';
import {
  DamagedExportError,
  SchemaDifferenceError,
  TenantDataError,
  TenantExistsError,
  TenantMismatchError,
  TenantNotErasedError,
  TenantNotFoundError,
} from '../errors.js';
import type { TenantId } from '../schema/tenancy.js';
import type { TenancyDatabase } from '../data/database.types.js';
import { DbError, dbErrorOf } from './db-error.js';

const own = [
  DamagedExportError,
  SchemaDifferenceError,
  TenantDataError,
  TenantExistsError,
  TenantMismatchError,
  TenantNotErasedError,
  TenantNotFoundError,
] as const;

/** What goes wrong where a tenant is moved. */
export type TenantDataFailure = InstanceType<(typeof own)[number]> | DbError;

const failureOf = (thrown: unknown): TenantDataFailure =>
  own.some((it) => thrown instanceof it) ? (thrown as TenantDataFailure) : dbErrorOf(thrown);

/** What the source of an import failed with: it is nobody else's error. */
class Failed {
  constructor(readonly error: unknown) {}
}

type Without<T> = Omit<T, 'signal'>;

/** The methods of {@link TenantData}, as Effects. */
export interface EffectTenantData<Name extends string> {
  export(options?: Without<ExportOptions>): Stream.Stream<Uint8Array, TenantDataFailure>;
  exportTo(path: string, options?: Without<ExportToOptions>): Effect.Effect<Manifest, TenantDataFailure>;
  import<E, R>(
    source: Stream.Stream<Uint8Array, E, R>,
    options?: Without<ImportOptions> & { readonly as?: TenantId<Name> | undefined },
  ): Effect.Effect<Imported, E | TenantDataFailure, R>;
  cloneTo(id: TenantId<Name>, options?: Without<CloneOptions>): Effect.Effect<Imported, TenantDataFailure>;
  erase(options: Without<EraseOptions>): Effect.Effect<EraseRecord, TenantDataFailure>;
  count(): Effect.Effect<Counted, TenantDataFailure>;
  compare(
    other: TenancyDatabase<any, any>,
    options?: Without<CompareOptions> & { readonly as?: TenantId<Name> | undefined },
  ): Effect.Effect<Comparison, TenantDataFailure>;
  compareWithExport(path: string): Effect.Effect<ComparedWithExport, TenantDataFailure>;
  restoreFrom(
    other: TenancyDatabase<any, any>,
    options?: Without<Omit<ImportOptions, 'into'>>,
  ): Effect.Effect<Restored, TenantDataFailure>;
}

const run = <A>(use: (signal: AbortSignal) => Promise<A>) => Effect.tryPromise({ try: use, catch: failureOf });

/**
 * A tenant as a whole, as Effects: an interruption stops it.
 *
 * @param data what `db.tenantData(id)` returned
 * @returns its methods as Effects, with their errors in the type
 * @example
 * const moved = tenantData(db.tenantData(acme)).export().pipe(Stream.run(sink));
 */
export const tenantData = <Name extends string>(data: TenantData<Name>): EffectTenantData<Name> => ({
  export: (options) =>
    Stream.unwrap(
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => new AbortController()),
          (controller) => Effect.sync(() => controller.abort()),
        ),
        ({ signal }) => Stream.fromAsyncIterable(data.export({ ...options, signal }), failureOf),
      ),
    ),
  exportTo: (path, options) => run((signal) => data.exportTo(path, { ...options, signal })),
  import: (source, options) =>
    Effect.flatMap(Stream.toAsyncIterableEffect(Stream.mapError(source, (error) => new Failed(error))), (bytes) =>
      Effect.tryPromise({
        try: (signal) => data.import(bytes, { ...options, signal }),
        catch: (thrown: any) =>
          (thrown instanceof Failed
            ? thrown.error
            : thrown?.cause instanceof Failed
              ? thrown.cause.error
              : failureOf(thrown)) as any,
      }),
    ),
  cloneTo: (id, options) => run((signal) => data.cloneTo(id, { ...options, signal })),
  erase: (options) => run((signal) => data.erase({ ...options, signal })),
  count: () => run((signal) => data.count({ signal })),
  compare: (other, options) => run((signal) => data.compare(other, { ...options, signal })),
  compareWithExport: (path) => run((signal) => data.compareWithExport(path, { signal })),
  restoreFrom: (other, options) => run((signal) => data.restoreFrom(other, { ...options, signal })),
});
