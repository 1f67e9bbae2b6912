/** Reads the response of a watch. Ends a connection that is silent for too long. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../ground/base/clock.ts';
import { EventLines, type UnreadText, type WatchEvent } from './event-lines.ts';

/** Thrown if a watch is silent for longer than the interval of bookmarks: the connection is dead. */
export class SilentWatch extends Error {
  override readonly name = 'SilentWatch';
}

/** How long a watch may be silent. */
export type WatchOptions = {
  readonly clock: Clock;
  /** The apiserver sends a bookmark about once a minute, so a longer silence is a lost connection. */
  readonly silenceMs: number;
  /** Text that every event may lack. */
  readonly unread?: UnreadText | undefined;
};

/**
 * The events of a watch, until the server ends it.
 * @throws SilentWatch, SyntaxError for a line that is not JSON, and errors of the socket
 */
export async function* watchEvents(
  answer: IncomingMessage,
  options: WatchOptions,
): AsyncGenerator<WatchEvent> {
  using watchdog = new Watchdog(answer, options);
  const lines = new EventLines(options.unread);
  for await (const part of answer) {
    watchdog.heard();
    yield* lines.take(part);
  }
  yield* lines.end();
}

/**
 * The same for a watch of many events: it calls `onEvent` with each of them. By events of the stream, because an iterator costs
 * as much as a small event.
 * @returns once the server ends the watch
 * @throws also what `onEvent` throws
 */
export const readEvents = async (
  answer: IncomingMessage,
  options: WatchOptions,
  onEvent: (event: WatchEvent) => void,
): Promise<void> => {
  using watchdog = new Watchdog(answer, options);
  const lines = new EventLines(options.unread);
  await new Promise<void>((resolve, reject) => {
    const tell = (list: () => Iterable<WatchEvent>, then?: () => void) => {
      try {
        for (const event of list()) onEvent(event);
        then?.();
      } catch (thrown) {
        reject(thrown);
        answer.destroy();
      }
    };
    answer.on('data', (part: Buffer) => {
      watchdog.heard();
      tell(() => lines.take(part));
    });
    answer.on('end', () => tell(() => lines.end(), resolve));
    answer.on('error', reject);
    answer.on('close', () => reject(new Error('the connection was closed within the watch')));
  });
};

type Destroyable = { destroy(error: Error): unknown };

/** Destroys a stream once `silenceMs` pass without a call of `heard`, which ends the loop that reads it. */
export class Watchdog implements Disposable {
  readonly #stop = new AbortController();
  #last: number;
  readonly #clock: Clock;

  constructor(answer: Destroyable, { clock, silenceMs }: WatchOptions) {
    this.#clock = clock;
    this.#last = clock.elapsed();
    this.#look(answer, silenceMs).catch(() => {}); // Ends by its own abort when the watch is over.
  }

  heard(): void {
    this.#last = this.#clock.elapsed();
  }

  async #look(answer: Destroyable, silenceMs: number): Promise<void> {
    for (;;) {
      const left = this.#last + silenceMs - this.#clock.elapsed();
      if (left <= 0) {
        answer.destroy(new SilentWatch(`no data for ${silenceMs / 1000} s`));
        return;
      }
      await this.#clock.sleep(left, this.#stop.signal);
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }
}
