/**
 * Runs the work of an entry in a thread of its own. The main thread then never waits for native code, so that it can end
 * the process whatever the work is doing: within two seconds of a signal, and before the kernel does for want of memory.
 */
import { rmSync } from 'node:fs';
import process from 'node:process';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { memoryLimit, memoryUse } from './cgroup.ts';
import { UserError } from './ground/base/errors.ts';
import { failures } from './ground/base/failures.ts';
import { outputFailure } from './ground/base/whole-file.ts';

/** From the work to the main thread. */
export type Notice =
  | { readonly kind: 'print' | 'complain'; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly update: readonly [done: number, total: number, what?: string | undefined];
    }
  /** A file or folder that must not outlive the process, and its end. */
  | { readonly kind: 'temporary'; readonly path: string; readonly exists: boolean }
  | { readonly kind: 'ended'; readonly exitCode: number };

/** From the main thread to the work: a signal has come. */
export type Stop = { readonly signal: NodeJS.Signals };

export type Supervision = {
  /** The entry's own file: the thread runs it again. */
  readonly script: string;
  /** Hears what the work prints and how far it is. */
  readonly onNotice: (notice: Exclude<Notice, { kind: 'temporary' | 'ended' }>) => void;
  /** Hears why the process is about to end without the work's own report. */
  readonly onAbort: (why: UserError) => void;
  /** Comes last, however the work ended. */
  readonly close: () => void;
};

/** What the work is given to end by itself after a signal; then it is ended. */
const graceMs = 1000;
/** What threads that wait for each other are given after the work's report. */
const farewellMs = 500;
/** Memory grows by some gigabytes a second, so this is at most a few percent of a pod's limit. */
const watchMs = 20;
/** Of the limit: what is left holds what comes until the next look, and the report. */
const maxMemoryFraction = 0.9;

/** V8's default for a thread is 48 MiB; the entries run with 1 MiB a semi-space. */
const resourceLimits = { maxYoungGenerationSizeMb: 4 };

export const supervise = (supervision: Supervision): void => {
  const worker = new Worker(supervision.script, {
    argv: process.argv.slice(2),
    env: SHARE_ENV,
    resourceLimits,
  });
  const temporaries = new Set<string>();
  /** The first of several ends counts: the thread may exit while its process is being ended for another reason. */
  let endedWith: number | undefined;
  const end = (exitCode: number): void => {
    endedWith ??= exitCode;
    for (const path of temporaries) rmSync(path, { recursive: true, force: true });
    supervision.close();
    exitNow(endedWith);
  };
  const cutShort = (why: UserError): void => {
    supervision.onAbort(why);
    end(failures[why.reason].exitCode);
  };
  const watch = watchMemory(cutShort);
  worker.on('message', (notice: Notice) => {
    if (notice.kind === 'temporary') temporaries[notice.exists ? 'add' : 'delete'](notice.path);
    else if (notice.kind === 'ended') setTimeout(() => end(notice.exitCode), farewellMs);
    else supervision.onNotice(notice);
  });
  process.stdout.on('error', (thrown) => {
    const why = outputFailure(thrown, 'standard output');
    if (why instanceof UserError) cutShort(why);
    else end(failures.OutputUnwritable.exitCode); // the reader of a pipe has gone, and wants no message
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
      setTimeout(() => cutShort(interruptedBy(signal)), graceMs);
    });
};

export const interruptedBy = (signal: NodeJS.Signals): UserError =>
  new UserError(
    'Interrupted',
    `Stopped by ${signal} before the work was done. Nothing half-written was left; run it again.`,
  );

const watchMemory = (cutShort: (why: UserError) => void): NodeJS.Timeout => {
  const limit = memoryLimit();
  const used = memoryUse();
  return setInterval(() => {
    const bytes = used();
    if (bytes > maxMemoryFraction * limit) cutShort(outOfMemory(bytes, limit));
  }, watchMs).unref();
};

const outOfMemory = (bytes: number, limit: number): UserError => {
  const inMiB = (each: number): string => `${Math.round(each / 2 ** 20)} MiB`;
  return new UserError(
    'OutOfMemory',
    `Running: the work takes ${inMiB(bytes)} of the ${inMiB(limit)} that it may have, and was ended before the system would end it. Raise the limit of memory (spec.jobs in a ModelExport), or use a smaller batch or model.`,
  );
};

/**
 * Node's own exit waits for every thread, and one that is inside ONNX Runtime may never come out. Becoming another
 * program ends them all; this one does nothing but exit.
 */
const exitNow = (exitCode: number): void => {
  process.stdout.write('', () =>
    process.stderr.write('', () =>
      process.execve?.(process.execPath, [process.execPath, '-e', `process.exitCode = ${exitCode}`], {}),
    ),
  );
};
