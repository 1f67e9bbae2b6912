/**
 * Waiting keys in round-robin order of their namespaces: each namespace in turn gives its oldest key. However many
 * objects one tenant creates, a key of another tenant waits for at most one key of each namespace.
 */
import type { Key } from './resources.ts';

const namespaceOf = (key: Key): string => key.slice(0, key.indexOf('/') + 1);

/** A map of keys to the time at which they were added, with a fair `take`. */
export class FairOrder {
  /** Namespace → key → when it was added. Both maps are in insertion order. */
  readonly #turns = new Map<string, Map<Key, number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): number | undefined {
    return this.#turns.get(namespaceOf(key))?.get(key);
  }

  has(key: Key): boolean {
    return this.get(key) !== undefined;
  }

  set(key: Key, since: number): void {
    const namespace = namespaceOf(key);
    const keys = this.#turns.get(namespace) ?? new Map<Key, number>();
    if (!keys.has(key)) this.#size++;
    keys.set(key, since);
    this.#turns.set(namespace, keys);
  }

  delete(key: Key): void {
    const namespace = namespaceOf(key);
    const keys = this.#turns.get(namespace);
    if (!keys?.delete(key)) return;
    this.#size--;
    if (keys.size === 0) this.#turns.delete(namespace);
  }

  /**
   * Removes and returns the oldest key of the next namespace, with the time at which it was added. The namespace moves
   * to the end.
   */
  take(): readonly [Key, number] | undefined {
    const [turn] = this.#turns;
    if (turn === undefined) return undefined;
    const [namespace, keys] = turn;
    const [oldest] = keys;
    this.delete(oldest![0]);
    if (keys.size > 0) {
      this.#turns.delete(namespace);
      this.#turns.set(namespace, keys);
    }
    return oldest;
  }

  clear(): void {
    this.#turns.clear();
    this.#size = 0;
  }
}
