/** A calibration worker thread, seen from the main thread. */
import { extname } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';
import { WorkerChannel } from '../../ground/base/worker-channel.ts';
import type { WorkerRequest, WorkerResponse } from './calibration-messages.ts';

const script = new URL(`./calibration-thread${extname(import.meta.filename)}`, import.meta.url);

/** A worker thread that counts. */
export class CalibrationWorker {
  readonly #channel = new WorkerChannel<WorkerRequest, WorkerResponse>(script);

  /** Number of requests without a response. */
  get pending(): number {
    return this.#channel.pending;
  }

  /**
   * Sends a request; responses come in request order. The buffers in `transfer` are moved to the worker.
   * @throws UserError CalibrationFailed with the message of ONNX Runtime
   */
  async ask(question: WorkerRequest, transfer: readonly ArrayBuffer[] = []): Promise<WorkerResponse> {
    const answer = await this.#channel.ask(question, transfer);
    if (answer.kind !== 'failed') return answer;
    throw new UserError('CalibrationFailed', `Calibrating: running the network failed: ${answer.message}`);
  }

  /** Lets the thread exit after its last response: terminating it inside ONNX Runtime would abort the process. */
  close(): Promise<void> {
    return this.#channel.end({ kind: 'end' });
  }
}
