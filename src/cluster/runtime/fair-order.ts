/**
 * Keys that wait, in turns of their namespaces: each namespace gives its oldest key, then the next namespace has its
 * turn. However many objects one tenant makes, a key of another one waits for one key of each namespace at most.
 */
import type { Key } from './resources.ts';

const namespaceOf = (key: Key): string => key.slice(0, key.indexOf('/') + 1);

export class FairOrder {
  /** Namespace → key → when it was added. Both are in order of insertion. */
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

  /** The oldest key of the namespace whose turn it is, and when it was added; the namespace goes to the end. */
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
