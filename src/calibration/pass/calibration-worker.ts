/** A calibration worker thread, seen from the main thread. */
import { extname } from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { UserError } from '../../ground/base/errors.ts';
import type { WorkerRequest, WorkerResponse } from './calibration-messages.ts';

const script = new URL(`./calibration-thread${extname(import.meta.filename)}`, import.meta.url);

/** V8's default is 48 MiB. Workers allocate little on the JavaScript heap; tensors are outside of it. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

type PendingRequest = {
  readonly resolve: (answer: WorkerResponse) => void;
  readonly reject: (error: unknown) => void;
};

/** Request/response channel to one worker thread. */
export class CalibrationWorker {
  /** Shares the environment of the process: native libraries do not see changes in a worker's copy. */
  readonly #worker = new Worker(script, { resourceLimits, env: SHARE_ENV });
  readonly #waiting: PendingRequest[] = [];
  readonly #ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));

  constructor() {
    this.#worker.on('message', (answer: WorkerResponse) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread ended with status ${code}`)));
  }

  /** Number of requests without a response. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Sends a request; responses come in request order. The buffers in `transfer` are moved to the worker.
   * @throws UserError CalibrationFailed with the message of ONNX Runtime
   */
  async ask(question: WorkerRequest, transfer: readonly ArrayBuffer[] = []): Promise<WorkerResponse> {
    const answered = new Promise<WorkerResponse>((resolve, reject) =>
      this.#waiting.push({ resolve, reject }),
    );
    this.#worker.postMessage(question, transfer);
    const answer = await answered;
    if (answer.kind !== 'failed') return answer;
    throw new UserError('CalibrationFailed', `Calibrating: running the network failed: ${answer.message}`);
  }

  /** Lets the thread exit after its last response: terminating it inside ONNX Runtime would abort the process. */
  async close(): Promise<void> {
    this.#worker.postMessage({ kind: 'end' } satisfies WorkerRequest);
    await this.#ended;
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
