/** A thread that judges mutants, replaced when one of them does not end, and now and then, since modules are never unloaded. */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Answer, Task } from './thread.ts';

/** Processor time, which does not depend on the load of the machine; the tests of a group take less than one second. */
const longestSeconds = 6;
const mutantsEach = 40;
/** Looks in a row, half a second apart, at which a thread has used no processor time. */
const mostIdle = 40;

export class JudgeThread {
  readonly #root: string;
  #worker: Worker | undefined;
  #judged = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** Runs the tests of a task. A mutant that ends its thread, or does not end, is killed. */
  async judge(task: Task): Promise<Answer> {
    if (this.#judged++ % mutantsEach === 0) await this.stop();
    this.#worker ??= new Worker(join(import.meta.dirname, 'thread.ts'), {
      workerData: { root: this.#root },
      stderr: true,
    });
    const answer = await answerOf(this.#worker, task);
    if (answer.ended) await this.stop();
    return answer;
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }
}

type Ended = Answer & { readonly ended?: true };

const answerOf = async (worker: Worker, task: Task): Promise<Ended> => {
  const over = new AbortController();
  const { signal } = over;
  const died = (why: string): Ended => ({ fate: 'killed', why, ended: true });
  const first = Promise.race<Ended>([
    once(worker, 'message', { signal }).then(([answer]) => answer as Answer),
    once(worker, 'exit', { signal }).then(() => died('its thread ended')),
    watch(worker, signal).then(() => died('it does not end')),
  ]).catch((thrown) => died(`${thrown}`));
  worker.postMessage(task);
  const answer = await first;
  over.abort();
  return answer;
};

/** Ends when the thread has used too much processor time, or nearly none for long: then it waits for something. */
const watch = async (worker: Worker, signal: AbortSignal): Promise<void> => {
  const secondsUsed = async (): Promise<number> => {
    const usage = await worker.cpuUsage().catch(() => undefined); // it has not started yet
    return usage === undefined ? 0 : (usage.user + usage.system) / 1e6;
  };
  const start = await secondsUsed();
  for (let before = start, idle = 0; idle < mostIdle; ) {
    await setTimeout(500, undefined, { signal });
    const now = await secondsUsed();
    if (now - start > longestSeconds) return;
    idle = now - before < 0.001 ? idle + 1 : 0;
    before = now;
  }
};
