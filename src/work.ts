/** Worker thread side of `supervisor.ts`. */
import process from 'node:process';
import { parentPort } from 'node:worker_threads';
import { onTemporary } from './ground/base/temporaries.ts';
import { interruption, type Notice, type Stop } from './supervisor.ts';

/** Communication of the work with the main thread. */
export type Work = {
  readonly post: (notice: Notice) => void;
  /** Aborted by SIGINT or SIGTERM, with UserError Interrupted as its reason. */
  readonly signal: AbortSignal;
};

/** Runs the work of an entry in the worker thread. `run` resolves to the exit code of the process. */
export const runInWorkerThread = (run: (work: Work) => Promise<number>): void => {
  const port = parentPort!;
  const post = (notice: Notice): void => port.postMessage(notice);
  const stop = new AbortController();
  port.on('message', ({ signal }: Stop) => stop.abort(interruption(signal)));
  port.unref();
  onTemporary((path, exists) => post({ kind: 'temporary', path, exists }));
  void run({ post, signal: stop.signal }).then((exitCode) => {
    process.exitCode = exitCode;
    post({ kind: 'ended', exitCode });
  });
};
