/** A clock that does not move until the test moves it. */
import type { Clock } from '../../src/ground/base/clock.ts';

type Sleeper = { readonly at: number; wake: () => void };

export class HandClock implements Clock {
  #elapsed = 0;
  /** What the wall clock is ahead of the time that has passed. */
  #ahead = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#elapsed + this.#ahead;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { at: this.#elapsed + ms, wake: resolve };
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  startTimer(ms: number, act: () => void): () => void {
    const sleeper = { at: this.#elapsed + ms, wake: act };
    this.#sleepers.push(sleeper);
    return () => {
      sleeper.wake = () => {}; // It may be due at the same time as what stops it.
      this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
    };
  }

  /** Sleeps and timers that are neither over nor aborted. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Sets the wall clock, forwards or back; no time passes. */
  set(byMs: number): void {
    this.#ahead += byMs;
  }

  /** Moves on and resolves every sleep that is over. */
  async pass(ms: number): Promise<void> {
    this.#elapsed += ms;
    const due = this.#sleepers.filter(({ at }) => at <= this.#elapsed);
    this.#sleepers = this.#sleepers.filter(({ at }) => at > this.#elapsed);
    for (const { wake } of due) wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
