/**
 * A work queue of keys with the laws of client-go's: a key is queued at most once; it is never worked on twice at a
 * time; a key that is added while it is worked on is worked on again afterwards.
 */
import { type Backoff, delayOf, reconcileBackoff } from '../../ground/base/backoff.ts';
import type { Clock } from '../../ground/base/clock.ts';
import type { QueueMetrics } from '../../ground/observability/metrics.ts';
import { FairOrder } from './fair-order.ts';
import type { Key } from './resources.ts';

/**
 * `first`: an object that has no status yet; its user waits for a sign. `low`: an object of the first list or of a
 * resync, of which nothing new is known.
 */
export type Priority = 'first' | 'normal' | 'low';
const priorities = ['first', 'normal', 'low'] as const satisfies readonly Priority[];

export type QueueDeps = {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: QueueMetrics;
  readonly backoff?: Backoff;
};

export class WorkQueue {
  readonly #deps: QueueDeps;
  readonly #waiting: Record<Priority, FairOrder> = {
    first: new FairOrder(),
    normal: new FairOrder(),
    low: new FairOrder(),
  };
  readonly #working = new Set<Key>();
  /** Added while being worked on. */
  readonly #again = new Map<Key, Priority>();
  readonly #failures = new Map<Key, number>();
  /** The earliest time at which a delayed key is due. */
  readonly #due = new Map<Key, number>();
  readonly #takers: ((key: Key | undefined) => void)[] = [];
  readonly #stopped = new AbortController();
  #held = false;

  constructor(deps: QueueDeps) {
    this.#deps = deps;
  }

  add(key: Key, priority: Priority = 'normal'): void {
    if (this.#held || this.#stopped.signal.aborted) return;
    if (this.#working.has(key)) {
      this.#again.set(key, higherPriority(priority, this.#again.get(key)));
      return;
    }
    const present = priorities.find((each) => this.#waiting[each].has(key));
    if (present !== undefined && higherPriority(priority, present) === present) return;
    const since = present && this.#waiting[present].get(key);
    if (present) this.#waiting[present].delete(key);
    this.#waiting[priority].set(key, since ?? this.#deps.clock.elapsed());
    if (present === undefined) this.#deps.metrics.adds.inc({ name: this.#deps.name });
    this.#hand();
  }

  /** The earlier of two delays for one key counts. */
  addAfter(key: Key, delayMs: number): void {
    if (this.#held || this.#stopped.signal.aborted) return;
    const due = this.#deps.clock.elapsed() + delayMs;
    const pending = this.#due.get(key);
    if (pending !== undefined && pending <= due) return;
    this.#due.set(key, due);
    this.#deps.clock.sleep(delayMs, this.#stopped.signal).then(
      () => {
        if (this.#due.get(key) !== due) return;
        this.#due.delete(key);
        this.add(key);
      },
      () => {}, // Stopped: nothing waits any more.
    );
  }

  /** After a failure: later and later, until `forget`. */
  retry(key: Key, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#deps.metrics.retries.inc({ name: this.#deps.name });
    const delay = delayOf(this.#deps.backoff ?? reconcileBackoff, failures, this.#deps.random());
    this.addAfter(key, Math.max(atLeastMs, delay));
  }

  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** The next key, as soon as there is one; undefined once the queue is stopped. Call `done` when it is finished. */
  take(): Promise<Key | undefined> {
    return new Promise((resolve) => {
      if (this.#stopped.signal.aborted) return resolve(undefined);
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  done(key: Key): void {
    this.#working.delete(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again) this.add(key, again);
  }

  /** Forgets what waits and takes nothing in until `resume`: a process that does not lead has nobody to work it off. */
  hold(): void {
    this.#held = true;
    for (const priority of priorities) this.#waiting[priority].clear();
    this.#due.clear();
  }

  resume(): void {
    this.#held = false;
  }

  /** Hands out nothing more; keys being worked on are left to finish. */
  stop(): void {
    this.#stopped.abort(new Error('the queue is stopped'));
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  get depth(): number {
    return priorities.reduce((sum, priority) => sum + this.#waiting[priority].size, 0);
  }

  #hand(): void {
    while (this.#takers.length > 0 && this.depth > 0) {
      const from = priorities.map((each) => this.#waiting[each]).find(({ size }) => size > 0)!;
      const [key, since] = from.take()!;
      this.#working.add(key);
      const { metrics, name, clock } = this.#deps;
      metrics.waitSeconds.observe({ name }, (clock.elapsed() - since) / 1000);
      this.#takers.shift()!(key);
    }
    this.#deps.metrics.depth.set({ name: this.#deps.name }, this.depth);
  }
}

const higherPriority = (a: Priority, b: Priority | undefined): Priority =>
  b === undefined || priorities.indexOf(a) < priorities.indexOf(b) ? a : b;
