/** Request/response channel to a worker thread. */
import { SHARE_ENV, Worker } from 'node:worker_threads';

/** V8's default is 48 MiB. These threads allocate little on the JavaScript heap; tensors are outside of it. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

type PendingRequest<Response> = {
  readonly resolve: (answer: Response) => void;
  readonly reject: (error: unknown) => void;
};

/** A thread that answers each request, in their order. It keeps the process alive only while a request is unanswered. */
export class WorkerChannel<Request, Response> {
  /** Shares the environment of the process: native libraries do not see changes in a worker's copy. */
  readonly #worker: Worker;
  readonly #waiting: PendingRequest<Response>[] = [];
  readonly #ended: Promise<void>;
  #isEnding = false;
  /** Why the thread has ended. */
  #failure: unknown;

  constructor(script: URL) {
    this.#worker = new Worker(script, { resourceLimits, env: SHARE_ENV });
    this.#worker.on('message', (answer: Response) => this.#answer(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread ended with status ${code}`)));
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.unref(); // After the listeners: to listen to messages keeps the process alive.
  }

  /** Number of requests without a response. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Whether the thread has ended, and takes no more requests. */
  get hasEnded(): boolean {
    return this.#failure !== undefined;
  }

  /** Sends a request. The buffers in `transfer` are moved to the thread. @throws the error that ended the thread, DataCloneError */
  ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Response> {
    if (this.hasEnded) return Promise.reject(this.#failure);
    this.#worker.postMessage(request, transfer); // First: a request that cannot be cloned has no response.
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Sends a request that has no response and ends the thread. Resolves once it has ended. */
  async end(request: Request): Promise<void> {
    this.#isEnding = true;
    this.#worker.ref();
    this.#worker.postMessage(request);
    await this.#ended;
  }

  #answer(answer: Response): void {
    this.#waiting.shift()?.resolve(answer);
    if (this.#waiting.length === 0 && !this.#isEnding) this.#worker.unref();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
