/** Keys that are due later: at most one timer for each. */
import type { Clock } from '../../ground/base/clock.ts';
import type { Key } from './resources.ts';

type Delay = { readonly due: number; readonly stop: () => void };

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
    const stop = this.#clock.startTimer(delayMs, () => {
      this.#delays.delete(key);
      this.#onDue(key);
    });
    this.#delays.set(key, { due, stop });
  }

  /** Forgets the delay of a key, and its timer. */
  drop(key: Key): void {
    this.#delays.get(key)?.stop();
    this.#delays.delete(key);
  }

  dropAll(): void {
    for (const key of [...this.#delays.keys()]) this.drop(key);
  }
}
