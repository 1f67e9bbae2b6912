/** One thread of a calibration, seen from the thread that feeds it. */
import { extname } from 'node:path';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { UserError } from '../../ground/base/errors.ts';
import type { WorkerRequest, WorkerResponse } from './calibration-messages.ts';

const script = new URL(`./calibration-thread${extname(import.meta.filename)}`, import.meta.url);

/** The default is 48 MiB. What a thread makes in JavaScript is little; the tensors lie outside. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

type PendingRequest = {
  readonly resolve: (answer: WorkerResponse) => void;
  readonly reject: (error: unknown) => void;
};

export class CalibrationWorker {
  /** With the process's own environment, for libraries read no copy of it: what a thread sets there must count. */
  readonly #worker = new Worker(script, { resourceLimits, env: SHARE_ENV });
  readonly #waiting: PendingRequest[] = [];
  readonly #ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));

  constructor() {
    this.#worker.on('message', (answer: WorkerResponse) => this.#waiting.shift()?.resolve(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`the thread ended with status ${code}`)));
  }

  /** Number of questions without an answer. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Questions are answered in their order; the buffers in `transfer` are handed over.
   * @throws UserError CalibrationFailed with ONNX Runtime's message
   */
  async ask(question: WorkerRequest, transfer: readonly ArrayBuffer[] = []): Promise<WorkerResponse> {
    const answered = new Promise<WorkerResponse>((resolve, reject) =>
      this.#waiting.push({ resolve, reject }),
    );
    this.#worker.postMessage(question, transfer);
    const answer = await answered;
    if (answer.kind !== 'failed') return answer;
    throw new UserError('CalibrationFailed', `Calibrating: the network could not be run: ${answer.message}`);
  }

  /** The thread ends by itself, after its last answer: ending it inside ONNX Runtime would end the process. */
  async close(): Promise<void> {
    this.#worker.postMessage({ kind: 'end' } satisfies WorkerRequest);
    await this.#ended;
  }

  #fail(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
