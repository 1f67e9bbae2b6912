/** Parses the response of a watch: one JSON object per line. Ends a connection that is silent for too long. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../ground/base/clock.ts';

/** A metav1.WatchEvent. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: {
    readonly metadata?: { readonly resourceVersion?: string };
    readonly code?: number;
  } & object;
};

/** Thrown if a watch is silent for longer than the interval of bookmarks: the connection is dead. */
export class SilentWatch extends Error {
  override readonly name = 'SilentWatch';
}

/** How long a watch may be silent. */
export type WatchOptions = {
  readonly clock: Clock;
  /** The apiserver sends a bookmark about once a minute, so a longer silence is a lost connection. */
  readonly silenceMs: number;
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
  let rest = '';
  const decoder = new TextDecoder();
  for await (const part of answer) {
    watchdog.heard();
    const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent;
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as WatchEvent;
}

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
