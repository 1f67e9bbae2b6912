/**
 * A work queue by the rules of client-go: a key is queued at most once and is never processed twice at a time. A key
 * that is added during its processing is processed again afterwards.
 */
import { type Backoff, delayOf, reconcileBackoff } from '../../ground/base/backoff.ts';
import type { Clock } from '../../ground/base/clock.ts';
import type { QueueMetrics } from '../../ground/observability/metrics.ts';
import { Delays } from './delays.ts';
import { FairOrder } from './fair-order.ts';
import type { Key } from './resources.ts';

/**
 * `first`: an object without a status, because its user waits for a sign of life. `low`: an object of the first list or
 * of a resync, which has not changed.
 */
export type Priority = 'first' | 'normal' | 'low';
const priorities = ['first', 'normal', 'low'] as const satisfies readonly Priority[];

/** What the queue requires. `backoff` defaults to that of reconciles. */
export type QueueDeps = {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: QueueMetrics;
  readonly backoff?: Backoff;
};

/** Keys to reconcile, ordered by priority, then fairly by namespace. */
export class WorkQueue {
  /** Also the name of its controller. */
  readonly name: string;
  readonly #deps: QueueDeps;
  readonly #waiting: Record<Priority, FairOrder> = {
    first: new FairOrder(),
    normal: new FairOrder(),
    low: new FairOrder(),
  };
  /** Key → start of its processing, in milliseconds of the monotonic clock. */
  readonly #working = new Map<Key, number>();
  /** Keys added during their processing. */
  readonly #again = new Map<Key, Priority>();
  readonly #failures = new Map<Key, number>();
  readonly #delays: Delays;
  readonly #takers: ((key: Key | undefined) => void)[] = [];
  #stopped = false;
  #held = false;

  readonly #labels: { readonly name: string; readonly controller: string };

  constructor(deps: QueueDeps) {
    this.name = deps.name;
    this.#deps = deps;
    this.#delays = new Delays(deps.clock, (key) => this.add(key));
    this.#labels = { name: deps.name, controller: deps.name };
    deps.metrics.addSource(deps.name, {
      depths: () => priorities.map((priority) => [priority, this.#waiting[priority].size]),
      inProgressMs: () => [...this.#working.values()].map((since) => deps.clock.elapsed() - since),
    });
  }

  add(key: Key, priority: Priority = 'normal'): void {
    if (this.#held || this.#stopped) return;
    if (this.#working.has(key)) {
      this.#again.set(key, higherPriority(priority, this.#again.get(key)));
      return;
    }
    const present = priorities.find((each) => this.#waiting[each].has(key));
    if (present !== undefined && higherPriority(priority, present) === present) return;
    const since = present && this.#waiting[present].get(key);
    if (present) this.#waiting[present].delete(key);
    this.#waiting[priority].set(key, since ?? this.#deps.clock.elapsed());
    if (present === undefined) this.#deps.metrics.adds.inc(this.#labels);
    this.#hand();
  }

  /** Adds a key after a delay. Of two delays of one key, the earlier one counts. */
  addAfter(key: Key, delayMs: number): void {
    if (this.#held || this.#stopped) return;
    this.#delays.add(key, delayMs);
  }

  /** Adds a key after a failure, with exponential backoff until `forget`. */
  retry(key: Key, atLeastMs = 0): void {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#deps.metrics.retries.inc(this.#labels);
    const delay = delayOf(this.#deps.backoff ?? reconcileBackoff, failures, this.#deps.random());
    this.addAfter(key, Math.max(atLeastMs, delay));
  }

  forget(key: Key): void {
    this.#failures.delete(key);
  }

  /** Resolves with the next key, or with undefined once the queue is stopped. Call `done` when the key is processed. */
  take(): Promise<Key | undefined> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve(undefined);
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  done(key: Key): void {
    const { metrics, clock } = this.#deps;
    const since = this.#working.get(key);
    if (since !== undefined) metrics.workSeconds.observe(this.#labels, (clock.elapsed() - since) / 1000);
    this.#working.delete(key);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again) this.add(key, again);
  }

  /** Drops waiting keys and ignores new ones until `resume`: a process that is not the leader does not reconcile. */
  hold(): void {
    this.#held = true;
    for (const priority of priorities) this.#waiting[priority].clear();
    this.#delays.dropAll();
  }

  resume(): void {
    this.#held = false;
  }

  /** Stops handing out keys; keys in progress are left to finish. */
  stop(): void {
    this.#stopped = true;
    this.#delays.dropAll();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  get depth(): number {
    return priorities.reduce((sum, priority) => sum + this.#waiting[priority].size, 0);
  }

  #hand(): void {
    while (this.#takers.length > 0 && this.depth > 0) {
      const from = priorities.map((each) => this.#waiting[each]).find(({ size }) => size > 0)!;
      const [key, since] = from.take()!;
      const { metrics, clock } = this.#deps;
      const now = clock.elapsed();
      this.#delays.drop(key); // Its reconcile sees what the delay was for, and says when to look again.
      this.#working.set(key, now);
      metrics.waitSeconds.observe(this.#labels, (now - since) / 1000);
      this.#takers.shift()!(key);
    }
  }
}

const higherPriority = (a: Priority, b: Priority | undefined): Priority =>
  b === undefined || priorities.indexOf(a) < priorities.indexOf(b) ? a : b;
