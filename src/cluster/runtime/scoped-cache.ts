/** A cache over all namespaces or some of them: a Role grants list and watch in its own namespace alone. */
import { Informer, type InformerDeps, type InformerOptions } from './informer.ts';
import { type NamedObject, Store } from './store.ts';

/** Watched namespaces. Undefined: all of them. */
export type Namespaces = readonly string[] | undefined;

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
