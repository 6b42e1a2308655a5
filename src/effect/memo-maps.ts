/**
 * Effect builds a layer once: for one composition, and for the programs that run within what it made. A layer that is
 * made of a handle, as a repository is, would so be given to the programs of another tenant. Here each program of a
 * tenant builds its layers anew, and shares with others what was built outside of all of them.
 */
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { UnsupportedTenantOperationError } from '../schema/index.js';
import type { DbError } from './db-error.js';
import { attempt } from './prepared.js';

const CurrentMemoMap: Context.Service<any, Layer.MemoMap> = Layer.CurrentMemoMap;

/** What was built outside of the programs that have a handle; undefined outside of them. */
const Outside = Context.Reference<Layer.MemoMap | undefined>('drizzle-tenant/Outside', {
  defaultValue: () => undefined,
});

/** For a program that has another handle than the one around it. */
export const withOwnLayers = (around: Context.Context<any>, services: Context.Context<any>): Context.Context<any> =>
  outsideOf(
    services,
    Context.get(around, Outside) ?? Context.getOrUndefined(around, CurrentMemoMap) ?? Layer.makeMemoMapUnsafe(),
  );

/** For a program that runs elsewhere, in a transaction or on a replica: nothing that was built before is of there. */
export const withNewLayers = (services: Context.Context<any>): Context.Context<any> =>
  outsideOf(services, Layer.makeMemoMapUnsafe());

const outsideOf = (services: Context.Context<any>, outside: Layer.MemoMap) =>
  services.pipe(Context.add(Outside, outside), Context.add(CurrentMemoMap, Layer.forkMemoMapUnsafe(outside)));

/** Whose handle a map of layers has met, by service: what it keeps may be made of that one. */
const met = new WeakMap<Layer.MemoMap, Map<object, Provided>>();

interface Provided {
  readonly services: Context.Context<any>;
  /** Of the database. */
  readonly handles: object;
  readonly whose: string;
}

/**
 * A layer that provides a handle: what is built on it is kept apart from what is built on another one.
 *
 * @param key the handle's service
 */
export const layerOf = <R>(key: object, build: Effect.Effect<Provided, DbError, R>): Layer.Layer<any, DbError, R> =>
  Layer.fromBuild((memoMap) =>
    Effect.flatMap(build, (provided) =>
      Effect.flatMap(Effect.context<any>(), (around) =>
        attempt(() => {
          meet(memoMap, key, provided);
          const outside = Context.get(around, Outside);
          if (outside) leave(memoMap, outside);
          const next = outside ?? parentOf(memoMap) ?? Layer.makeMemoMapUnsafe();
          return Effect.succeed(Context.add(provided.services, Outside, next));
        }),
      ),
    ),
  );

function meet(memoMap: Layer.MemoMap, key: object, provided: Provided): void {
  let known = met.get(memoMap);
  if (!known) met.set(memoMap, (known = new Map()));
  const before = known.get(key);
  if (before && (before.handles !== provided.handles || before.whose !== provided.whose)) throw shared();
  known.set(key, provided);
}

const shared = () =>
  new UnsupportedTenantOperationError(
    'Write Layer.fresh(layer) around what is built on a tenant, as in LayerMap.make((id) ' +
      '=> Layer.fresh(live(id))): Effect builds each layer once here, and would give one tenant what was ' +
      'made for another.',
  );

/** The map in which one looks for what it does not have itself: a part of Effect that has no public name. */
const parentOf = (memoMap: Layer.MemoMap): Layer.MemoMap | undefined => (memoMap as any).parent;

/** Has a map that was made within a tenant's program find what was built outside of it, and nothing of that tenant. */
function leave(memoMap: Layer.MemoMap, outside: Layer.MemoMap): void {
  if (!Object.hasOwn(memoMap, 'parent')) throw shared();
  if (parentOf(memoMap)) Object.assign(memoMap, { parent: outside });
}
