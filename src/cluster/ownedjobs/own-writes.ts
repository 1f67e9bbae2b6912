/**
 * Writes of this process that its caches do not show yet. A decision from an outdated cache would repeat a status
 * write, which conflicts, and a create, which finds the Job existing. Kept only in memory: a lost entry costs one such
 * request.
 */
import type { Clock } from '../../ground/base/clock.ts';
import type { Key } from '../runtime/resources.ts';

/** How long a cache may be outdated, in milliseconds. After that, decisions use it again, whatever it shows. */
export const cacheGraceMs = 5000;

/** The latest status writes and created Jobs. */
export class OwnWrites {
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** Owner → the resourceVersion that its latest status replaced. */
  readonly #statuses = new Recent<string>();
  /** `<namespace>/<name>` of created Jobs. */
  readonly #jobs = new Recent<true>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  noteStatus(owner: Key, writtenOver: string): void {
    this.#statuses.set(owner, writtenOver, this.#clock.elapsed());
  }

  /** Whether the cache still has the version that the latest status write replaced. */
  isBehind(owner: Key, cachedVersion: string): boolean {
    return this.#statuses.get(owner, this.#clock.elapsed()) === cachedVersion;
  }

  noteJob(job: Key): void {
    this.#jobs.set(job, true, this.#clock.elapsed());
  }

  /** Drops the entry of a deleted Job. */
  forgetJob(job: Key): void {
    this.#jobs.delete(job);
  }

  /** Whether a Job was created so recently that the cache need not show it yet. */
  wasCreated(job: Key): boolean {
    return this.#jobs.get(job, this.#clock.elapsed()) === true;
  }
}

/** Entries of the last `cacheGraceMs`, in order of their time. */
class Recent<Value> {
  readonly #entries = new Map<Key, { readonly value: Value; readonly atMs: number }>();

  set(key: Key, value: Value, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, atMs: now });
    for (const [old, { atMs }] of this.#entries) {
      if (now - atMs < cacheGraceMs) return;
      this.#entries.delete(old);
    }
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  get(key: Key, now: number): Value | undefined {
    const entry = this.#entries.get(key);
    return entry && now - entry.atMs < cacheGraceMs ? entry.value : undefined;
  }
}
