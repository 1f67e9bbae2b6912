/** Request/response channel to a worker thread. */
import { SHARE_ENV, Worker } from 'node:worker_threads';

/** V8's default is 48 MiB. These threads allocate little on the JavaScript heap; tensors are outside of it. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

type PendingRequest<Response> = {
  readonly resolve: (answer: Response) => void;
  readonly reject: (error: unknown) => void;
};

/** A thread that answers each request, in their order. */
export class WorkerChannel<Request, Response> {
  /** Shares the environment of the process: native libraries do not see changes in a worker's copy. */
  readonly #worker: Worker;
  readonly #waiting: PendingRequest<Response>[] = [];
  /** Resolves once the thread has ended. */
  readonly ended: Promise<void>;
  #hasEnded = false;

  constructor(script: URL) {
    this.#worker = new Worker(script, { resourceLimits, env: SHARE_ENV });
    this.#worker.on('message', (answer: Response) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread ended with status ${code}`)));
    this.ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  /** Number of requests without a response. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Whether the thread has ended, and takes no more requests. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a request. The buffers in `transfer` are moved to the thread. @throws the error that ended the thread */
  ask(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Response> {
    const answered = new Promise<Response>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.post(request, transfer);
    return answered;
  }

  /** Sends a request that has no response. */
  post(request: Request, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(request, transfer);
  }

  /** Keeps the process alive until the thread ends or `unref` is called. */
  ref(): void {
    this.#worker.ref();
  }

  /** Lets the process end before the thread. */
  unref(): void {
    this.#worker.unref();
  }

  #fail(error: unknown): void {
    this.#hasEnded = true;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
