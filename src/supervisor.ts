/**
 * Runs the work of an entry in a worker thread. The main thread never blocks in native code, so it can always end the process:
 * within two seconds of a signal, and before the kernel's OOM killer does.
 */
import { rmSync } from 'node:fs';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { makeMemoryMeter, readMemoryLimit } from './cgroup.ts';
import { UserError } from './ground/base/errors.ts';
import { failures } from './ground/base/failures.ts';
import { outputFailure } from './ground/base/whole-file.ts';
import type { ReportProgress } from './ground/contract/progress.ts';

/** Messages from the worker thread to the main thread. */
export type Notice =
  | { readonly kind: 'stdout' | 'stderr'; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly update: Parameters<ReportProgress>;
    }
  /** A temporary file or folder was created or removed. */
  | { readonly kind: 'temporary'; readonly path: string; readonly exists: boolean }
  | { readonly kind: 'ended'; readonly exitCode: number };

/** Message from the main thread to the worker thread: a signal arrived. */
export type Stop = { readonly signal: NodeJS.Signals };

/** Settings and callbacks of the main thread. */
export type Supervision = {
  /** File of the entry, which the worker thread runs again. */
  readonly script: string;
  /** Called for output and progress of the work. */
  readonly onNotice: (notice: Exclude<Notice, { kind: 'temporary' | 'ended' }>) => void;
  /** Called with the reason if the process is about to end without a result of the work. */
  readonly onAbort: (why: UserError) => void;
  /** Called last, however the work ended. */
  readonly close: () => void;
};

/** Time for the work to stop by itself after a signal; then the process ends. */
const graceMs = 1000;
/** Time for worker threads to exit after the work reported its end. */
const farewellMs = 500;
/** Interval of memory checks. Memory grows by a few GB per second, so this is a few percent of a pod's limit. */
const watchMs = 20;
/**
 * Fraction of the memory limit at which the work is ended; the rest is headroom until the next check, and for the report.
 */
const maxMemoryFraction = 0.9;

/** V8's default per thread is 48 MiB. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

/**
 * MiB that a thread's heap may fill before V8 collects all of it. By default, the memory of images and outputs, which is outside of the
 * heap, makes it do so twice as often: 3 to 5 % of the processor time of an export (docs/benchmarks.md).
 */
const initialHeap = 64;

/** Starts the worker thread and handles signals, memory pressure and exit codes. */
export const supervise = (supervision: Supervision): void => {
  setFlagsFromString(`--initial-heap-size=${initialHeap}`); // For threads that start from now on.
  const worker = new Worker(supervision.script, {
    argv: process.argv.slice(2),
    env: SHARE_ENV,
    resourceLimits,
  });
  const temporaries = new Set<string>();
  /** The first exit code wins: the thread may exit while the process is ending for another reason. */
  let endedWith: number | undefined;
  const end = (exitCode: number): void => {
    endedWith ??= exitCode;
    for (const path of temporaries) rmSync(path, { recursive: true, force: true });
    supervision.close();
    exitNow(endedWith);
  };
  const abortWork = (why: UserError): void => {
    supervision.onAbort(why);
    end(failures[why.reason].exitCode);
  };
  const watch = watchMemory(abortWork);
  worker.on('message', (notice: Notice) => {
    if (notice.kind === 'temporary') temporaries[notice.exists ? 'add' : 'delete'](notice.path);
    else if (notice.kind === 'ended') setTimeout(() => end(notice.exitCode), farewellMs);
    else supervision.onNotice(notice);
  });
  process.stdout.on('error', (thrown) => {
    const why = outputFailure(thrown, 'standard output');
    if (why instanceof UserError) abortWork(why);
    else end(failures.OutputUnwritable.exitCode); // the reader closed the pipe; a message would be lost
  });
  worker.on('error', (thrown) => {
    process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
    end(failures.Internal.exitCode);
  });
  worker.on('exit', (exitCode) => {
    clearInterval(watch);
    supervision.close();
    process.exitCode = endedWith ?? exitCode;
    process.exit();
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      worker.postMessage({ signal } satisfies Stop);
      setTimeout(() => abortWork(interruption(signal)), graceMs);
    });
};

/** The error of work that a signal stopped. */
export const interruption = (signal: NodeJS.Signals): UserError =>
  new UserError(
    'Interrupted',
    `Stopped by ${signal} before the work was done. No partial file was left; run it again.`,
  );

const watchMemory = (cutShort: (why: UserError) => void): NodeJS.Timeout => {
  const limit = readMemoryLimit();
  const used = makeMemoryMeter();
  return setInterval(() => {
    const bytes = used();
    if (bytes > maxMemoryFraction * limit) cutShort(outOfMemory(bytes, limit));
  }, watchMs).unref();
};

const outOfMemory = (bytes: number, limit: number): UserError => {
  const inMiB = (each: number): string => `${Math.round(each / 2 ** 20)} MiB`;
  return new UserError(
    'OutOfMemory',
    `Running: the work uses ${inMiB(bytes)} of its memory limit of ${inMiB(limit)} and was stopped before the OOM killer would end it. Raise the memory limit (spec.jobs in a ModelExport), or use a smaller batch or model.`,
  );
};

/**
 * Ends the process with execve of a program that only exits. process.exit waits for all threads, and a thread inside ONNX
 * Runtime may never return.
 */
const exitNow = (exitCode: number): void => {
  process.stdout.write('', () =>
    process.stderr.write('', () =>
      process.execve?.(process.execPath, [process.execPath, '-e', `process.exitCode = ${exitCode}`], {}),
    ),
  );
};
