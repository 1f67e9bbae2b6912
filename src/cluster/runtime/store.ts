/** The content of a cache, by key and by index. Objects are never modified. */
import { type Key, keyOf } from './resources.ts';

/** An object with a key. */
export type NamedObject = { readonly metadata: { readonly name: string; readonly namespace?: string } };
/** Index name → function that returns the values to find an object by. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

/** Objects by key, with indexes that are updated on every change. */
export class Store<T extends NamedObject> {
  readonly #objects = new Map<Key, T>();
  readonly #indexes: Indexes<T>;
  /** index name → value → keys */
  readonly #entries = new Map<string, Map<string, Set<Key>>>();

  constructor(indexes: Indexes<T> = {}) {
    this.#indexes = indexes;
    for (const name of Object.keys(indexes)) this.#entries.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: Key): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  keys(): readonly Key[] {
    return [...this.#objects.keys()];
  }

  /** Keys of one namespace; all keys if it is undefined. */
  keysIn(namespace: string | undefined): readonly Key[] {
    const prefix = namespace === undefined ? '' : `${namespace}/`;
    return this.keys().filter((key) => key.startsWith(prefix));
  }

  /** Objects whose index function returned this value. */
  byIndex(name: string, value: string): readonly T[] {
    const keys = this.#entries.get(name)?.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** Stores the object and returns the previous one. */
  set(object: T): T | undefined {
    const before = this.remove(keyOf(object));
    this.#objects.set(keyOf(object), object);
    this.#index(object, (keys, key) => keys.add(key));
    return before;
  }

  remove(key: Key): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    this.#index(before, (keys) => keys.delete(key));
    return before;
  }

  #index(object: T, change: (keys: Set<Key>, key: Key) => void): void {
    for (const [name, valuesOf] of Object.entries(this.#indexes)) {
      const values = this.#entries.get(name)!;
      for (const value of valuesOf(object)) {
        const keys = values.get(value) ?? new Set();
        change(keys, keyOf(object));
        if (keys.size === 0) values.delete(value);
        else values.set(value, keys);
      }
    }
  }
}
