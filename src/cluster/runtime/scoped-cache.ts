/**
 * A cache of all namespaces or of some of them. A Role grants list and watch only in its own namespace, so each watched
 * namespace has an informer.
 */
import { Informer, type InformerDeps, type InformerOptions } from './informer.ts';
import { type NamedObject, Store } from './store.ts';

/** Watched namespaces; undefined for all. */
export type Namespaces = readonly string[] | undefined;

/** A store, and the informers that fill it. */
export type ScopedCache<T extends NamedObject> = {
  /** Objects of every watched namespace. */
  readonly store: Store<T>;
  /** One per watched namespace, or one for all. The cache is complete when each of them is. */
  readonly informers: readonly Informer<T>[];
};

/** @param optionsFor what is cached of one namespace, or of all if it is undefined */
export const makeScopedCache = <T extends NamedObject>(
  optionsFor: (scope: { readonly namespace: string | undefined }) => InformerOptions<T>,
  namespaces: Namespaces,
  deps: InformerDeps,
): ScopedCache<T> => {
  const options = (namespaces ?? [undefined]).map((namespace) => optionsFor({ namespace }));
  const store = new Store(options[0]?.indexes);
  return { store, informers: options.map((one) => new Informer({ ...one, store }, deps)) };
};
