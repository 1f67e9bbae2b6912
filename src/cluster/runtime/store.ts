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
  readonly #entries = new Map<string, Entries>();

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
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#index(key, before, object);
    return before;
  }

  remove(key: Key): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    this.#index(key, before, undefined);
    return before;
  }

  /** Most changes leave every indexed value as it was. */
  #index(key: Key, before: T | undefined, after: T | undefined): void {
    for (const name in this.#indexes) {
      const valuesOf = this.#indexes[name]!;
      const old = before === undefined ? [] : valuesOf(before);
      const now = after === undefined ? [] : valuesOf(after);
      const entries = this.#entries.get(name)!;
      for (const value of old) if (!now.includes(value)) removeFrom(entries, value, key);
      for (const value of now) if (!old.includes(value)) addTo(entries, value, key);
    }
  }
}

type Entries = Map<string, Set<Key>>;

const addTo = (entries: Entries, value: string, key: Key): void => {
  const keys = entries.get(value);
  if (keys) keys.add(key);
  else entries.set(value, new Set([key]));
};

const removeFrom = (entries: Entries, value: string, key: Key): void => {
  const keys = entries.get(value);
  keys?.delete(key);
  if (keys?.size === 0) entries.delete(value);
};
