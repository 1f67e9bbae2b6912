/** Keys that are due later: at most one timer for each. */
import type { Clock } from '../../ground/base/clock.ts';
import type { Key } from './resources.ts';

type Delay = { readonly due: number; readonly over: AbortController };

/** Calls `onDue` with each key after its delay, unless the delay is dropped before. */
export class Delays {
  readonly #clock: Clock;
  readonly #onDue: (key: Key) => void;
  readonly #delays = new Map<Key, Delay>();

  constructor(clock: Clock, onDue: (key: Key) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Of two delays of one key, the earlier one counts. */
  add(key: Key, delayMs: number): void {
    const due = this.#clock.elapsed() + delayMs;
    const pending = this.#delays.get(key);
    if (pending !== undefined && pending.due <= due) return;
    this.drop(key);
    const over = new AbortController();
    this.#delays.set(key, { due, over });
    this.#clock.sleep(delayMs, over.signal).then(
      () => {
        if (over.signal.aborted) return; // Between the end of the sleep and this call.
        this.#delays.delete(key);
        this.#onDue(key);
      },
      () => {}, // Dropped.
    );
  }

  /** Forgets the delay of a key, and its timer. */
  drop(key: Key): void {
    this.#delays.get(key)?.over.abort(dropped);
    this.#delays.delete(key);
  }

  dropAll(): void {
    for (const key of [...this.#delays.keys()]) this.drop(key);
  }
}

/** One for all, so that dropping creates no stack trace. */
const dropped = new Error('the delay is dropped');
