/**
 * What this process wrote and its caches do not show yet. A decision from a cache that is behind would write the same
 * status again, which is a conflict, and create the same Job again, which exists by then. Memory only: a lost entry
 * costs one such request.
 */
import type { Clock } from '../../ground/base/clock.ts';
import type { Key } from '../runtime/resources.ts';

/** How long a cache may be behind. After it, what was written is decided from the cache again, whatever it shows. */
export const cacheGraceMs = 5000;

export class OwnWrites {
  readonly #clock: Pick<Clock, 'elapsed'>;
  /** Owner → the version that its latest status was written over. */
  readonly #statuses = new Recent<string>();
  /** `<namespace>/<name>` of Jobs that were created. */
  readonly #jobs = new Recent<true>();

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock;
  }

  noteStatus(owner: Key, writtenOver: string): void {
    this.#statuses.set(owner, writtenOver, this.#clock.elapsed());
  }

  /** Whether the cache still shows the version that the latest status was written over. */
  isBehind(owner: Key, cachedVersion: string): boolean {
    return this.#statuses.get(owner, this.#clock.elapsed()) === cachedVersion;
  }

  noteJob(job: Key): void {
    this.#jobs.set(job, true, this.#clock.elapsed());
  }

  /** Of a Job that is deleted again. */
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
