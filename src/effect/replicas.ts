/** Drizzle's `withReplicas` as Effects: the replicas of a layer's database, and programs that run on one of them. */
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Option from 'effect/Option';
import type * as EffectScope from 'effect/Scope';
import { assertIsOf, handleAt } from '../handle/database.js';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { DbError } from './db-error.js';
import { withNewLayers } from './memo-maps.js';
import { attempt } from './prepared.js';
import type { AnyDrizzle, Handles, LayerOptions } from './tenant-db.types.js';

/** By the handles of the primary: those of the replica that the application's `withReplicas` chooses. */
const replicas = new WeakMap<Handles, () => Handles>();

type Options = Pick<LayerOptions, 'rls' | 'across' | 'fair'>;
type Open = (db: AnyDrizzle, options: Options) => Effect.Effect<Handles, DbError, EffectScope.Scope>;

/**
 * Opens the handles of a database, and those of its replicas: each has a gate, connections and a fair queue of its own.
 *
 * @param db a Drizzle handle, or what `withReplicas` returned
 * @param open the handles of one server
 */
export const openAll = (db: any, options: Options, open: Open): ReturnType<Open> =>
  Effect.gen(function* () {
    const handles = yield* open(db, options);
    if (!Array.isArray(db.$replicas)) return handles;
    const opened = new Map<object, Handles>([[db.$primary, handles]]);
    for (const [index, replica] of db.$replicas.entries()) {
      if (!opened.has(replica))
        opened.set(replica, yield* open(replica, { ...options, across: acrossAt(options, index) }));
    }
    replicas.set(handles, () => opened.get(db.$replica)!);
    return handles;
  });

/** The handle that reads every tenant has a replica for each one, too: without, reads of every tenant are refused. */
const acrossAt = ({ across }: Options, index: number): Options['across'] =>
  !across || 'role' in across ? across : (across as { $replicas?: readonly AnyDrizzle[] }).$replicas?.[index];

/** The services of a database: of its connection, of shared tables, and of handles that may be provided. */
export interface Keys {
  readonly Connected: Context.Service<any, Handles>;
  readonly Shared: Context.Service<any, any>;
  readonly services: () => readonly Context.Service<any, any>[];
}

/**
 * The services of a database elsewhere: in a transaction, or on a replica.
 *
 * @param context which handles are provided
 * @param database whose handles they have to be
 */
export function servicesAt(
  place: Pick<Handles, 'shared'>,
  { Connected, Shared, services }: Keys,
  context: Context.Context<any>,
  database: object,
): Context.Context<any> {
  let within: Context.Context<any> = Context.make(Connected, place as Handles).pipe(Context.add(Shared, place.shared));
  for (const key of services()) {
    const handle = Option.getOrUndefined(Context.getOption(context, key));
    if (!handle) continue;
    assertIsOf(database, handle);
    within = Context.add(within, key, handleAt(place, handle));
  }
  return withNewLayers(within);
}

/** Runs a program on a replica: whatever it yields of the database is the replica's. */
export const onReplica = (keys: Keys, program: Effect.Effect<any, any, any>): Effect.Effect<any, any, any> =>
  Effect.flatMap(Effect.context<any>(), (context) =>
    Effect.flatMap(keys.Connected, (handles) =>
      attempt(() => {
        const replica = replicas.get(handles)?.();
        if (!replica) {
          throw new UnsupportedTenantOperationError(
            'Give layerFrom() what withReplicas(primary, [...]) returned, and use Db.replica(program) outside of a ' +
              'transaction: this database has no replica here.',
          );
        }
        return Effect.provideContext(program, servicesAt(replica, keys, context, handles));
      }),
    ),
  );
