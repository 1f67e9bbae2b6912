/** Runs sessions in other threads: ONNX Runtime's binding blocks the thread that runs a network. */
import { extname } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';
import { WorkerChannel } from '../../ground/base/worker-channel.ts';
import type { FloatTensor, FloatTensors, SessionOptions } from './session.ts';
import type { ThreadRequest, ThreadResponse } from './session-thread-messages.ts';

const script = new URL(`./session-thread-entry${extname(import.meta.filename)}`, import.meta.url);

/** A thread with one session at a time. */
export class SessionThread {
  readonly #channel = new WorkerChannel<ThreadRequest, ThreadResponse>(script);

  /** Whether the thread has ended, and takes no more requests. */
  get hasEnded(): boolean {
    return this.#channel.hasEnded;
  }

  /** Opens a model in place of an earlier one. Its bytes are moved to the thread. @throws UserError as `openSession` */
  async open(model: Uint8Array<ArrayBuffer>, options: SessionOptions): Promise<void> {
    await this.#ask({ kind: 'open', model, options }, [model.buffer]);
  }

  /** Runs the model. @throws UserError as the `run` of a session */
  async run(feeds: FloatTensors): Promise<Record<string, FloatTensor>> {
    const answer = await this.#ask({ kind: 'run', feeds });
    return answer.kind === 'outputs' ? answer.outputs : {};
  }

  /** Frees the model, after the last run. */
  async release(): Promise<void> {
    if (!this.hasEnded) await this.#ask({ kind: 'release' });
  }

  async #ask(request: ThreadRequest, transfer: readonly ArrayBuffer[] = []): Promise<ThreadResponse> {
    const answer = await this.#channel.ask(request, transfer);
    if (answer.kind === 'refused') throw new UserError(answer.reason, answer.message);
    if (answer.kind === 'failed') throw new Error(answer.message);
    return answer;
  }
}

/** Threads that have loaded their modules and have no model, for the next comparison of this process. */
const idle: SessionThread[] = [];

/**
 * Lends as many threads, which load their modules while `use` prepares networks, and frees their models afterwards. @throws whatever
 * `use` throws
 */
export const withSessionThreads = async <T>(
  count: number,
  use: (threads: readonly SessionThread[]) => Promise<T>,
): Promise<T> => {
  const threads = Array.from({ length: count }, () => idle.pop() ?? new SessionThread());
  try {
    return await use(threads);
  } finally {
    await Promise.all(threads.map((thread) => thread.release()));
    idle.push(...threads.filter(({ hasEnded }) => !hasEnded));
  }
};
