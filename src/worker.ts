/**
 * Entry: containers of export and engine pods, `worker <command> --task JSON`. Writes its result to the termination message.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { makeStores } from './adapters/storage/stores.ts';
import { messageOf, UserError } from './ground/base/errors.ts';
import { failures } from './ground/base/failures.ts';
import { nameFields } from './ground/contract/fields.ts';
import { mounts } from './ground/contract/layout.ts';
import { parseTask } from './ground/contract/parse-task.ts';
import type { Activity, ReportProgress } from './ground/contract/progress.ts';
import { encodeResult, type Failed, type Result } from './ground/contract/result.ts';
import type { S3Settings } from './ground/contract/s3-settings.ts';
import type { EngineTask, ExportTask, TensorfileTask } from './ground/contract/task.ts';
import { makeProgresses } from './ground/observability/progress.ts';
import { supervise } from './supervisor.ts';
import { runInWorkerThread, type Work } from './work.ts';

/** Prefix of all mount paths, for runs outside a pod. */
const root = process.env.TLT_WORKER_ROOT ?? '';
const underRoot = (path: string) => `${root}${path}`;

const superviseContainer = (): void => {
  const stream = process.stderr;
  const label: Activity = process.argv[2] === 'tensorfile' ? 'Sampling' : 'Calibrating';
  const progress = makeProgresses({ label, terminal: false, stream, now: Date.now });
  supervise({
    script: import.meta.filename,
    onNotice: (notice) => {
      if (notice.kind === 'progress') progress.update(...notice.update);
      else (notice.kind === 'stdout' ? process.stdout : stream).write(notice.text);
    },
    onAbort: ({ reason, message }) =>
      report({ kind: 'Failed', reason, message }, (text) => void process.stdout.write(text)),
    close: progress.stop,
  });
};

const places = {
  claims: underRoot(mounts.claims),
  scratch: underRoot(mounts.scratch),
  credentials: underRoot(mounts.s3Credentials),
  authority: underRoot(mounts.s3Authority),
};

const makeContext = ({ post, signal }: Work, settings: S3Settings | undefined) => ({
  store: makeStores(places, {
    settings,
    random: Math.random,
    warn: (message) => post({ kind: 'stderr', text: logLine('WARNING', message) }),
  }),
  keyFile: underRoot(mounts.keyFile),
  specFile: underRoot(mounts.specFile),
  work: underRoot(mounts.work),
  built: underRoot(mounts.built),
  signal,
  progress: (...update: Parameters<ReportProgress>) => post({ kind: 'progress', update }),
  clock: { now: () => performance.now() },
  log: (level: 'INFO' | 'WARNING', message: string) =>
    post({ kind: 'stderr', text: logLine(level, message) }),
});

const logLine = (level: 'INFO' | 'WARNING', message: string): string =>
  `${JSON.stringify({ level, message: nameFields(message, 'spec') })}\n`;

type Commands = Readonly<Record<string, (task: never) => Promise<Result | undefined>>>;

/** Commands import lazily: a container that only copies or hashes starts in half the time. */
const makeCommands = (context: ReturnType<typeof makeContext>): Commands => ({
  export: async (task: ExportTask) => {
    const { runExportTask } = await import('./adapters/worker/export-task.ts');
    return runExportTask(task, context);
  },
  count: async (task: ExportTask) => {
    const { readPart, runCountTask } = await import('./adapters/worker/count-task.ts');
    return runCountTask(task, readPart(process.env.JOB_COMPLETION_INDEX), context);
  },
  tensorfile: async (task: TensorfileTask) => {
    const { runTensorfileTask } = await import('./adapters/worker/tensorfile-task.ts');
    return runTensorfileTask(task, context);
  },
  stage: async (task: EngineTask) => {
    const { stage } = await import('./adapters/worker/stage.ts');
    await stage(task, context);
    return undefined;
  },
  'build-onnxruntime': async () => {
    const { buildHere } = await import('./graph/builders/build-here.ts');
    const { note, warnings } = await buildHere(context.work, context.clock);
    if (note !== undefined) context.log('INFO', note);
    for (const warning of warnings) context.log('WARNING', warning);
    return undefined;
  },
  install: async () => {
    const { installWorker } = await import('./adapters/worker/install.ts');
    const app = join(import.meta.dirname, '..');
    await installWorker({ node: process.execPath, app, target: underRoot(mounts.worker) });
    return undefined;
  },
  publish: async (task: EngineTask) => {
    const { publish } = await import('./adapters/worker/publish.ts');
    return publish(task, context);
  },
});

const run = async (given: Work): Promise<Result | undefined> => {
  const [name = '', flag, text = ''] = process.argv.slice(2);
  const task = flag === '--task' ? (parseTask(text) as { readonly s3?: S3Settings }) : undefined;
  const commands = makeCommands(makeContext(given, task?.s3));
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || task === undefined)
    throw new UserError('Usage', `usage: worker {${Object.keys(commands).join(', ')}} --task JSON`);
  return command(task as never);
};

const describeFailure = (thrown: unknown, { post, signal }: Work): Failed => {
  if (signal.aborted) return { kind: 'Failed', reason: 'Interrupted', message: messageOf(signal.reason) };
  if (thrown instanceof UserError)
    return { kind: 'Failed', reason: thrown.reason, message: nameFields(thrown.message, 'spec') };
  post({
    kind: 'stderr',
    text: `${thrown instanceof Error ? thrown.stack : messageOf(thrown)}\n`,
  });
  return {
    kind: 'Failed',
    reason: 'Internal',
    message: `Internal error of the worker: ${messageOf(thrown)}. Please report it with the pod's log.`,
  };
};

const report = (result: Result, print: (text: string) => void): void => {
  const text = encodeResult(result);
  print(`${text}\n`);
  try {
    writeFileSync(underRoot(mounts.terminationMessage), text);
  } catch (thrown) {
    process.stderr.write(`writing the termination message failed: ${messageOf(thrown)}\n`);
  }
};

const runWork = async (given: Work): Promise<number> => {
  const print = (text: string) => given.post({ kind: 'stdout', text });
  try {
    const result = await run(given);
    if (result) report(result, print);
    return 0;
  } catch (thrown) {
    const failure = describeFailure(thrown, given);
    report(failure, print);
    return failures[failure.reason].exitCode;
  }
};

if (isMainThread) superviseContainer();
else runInWorkerThread(runWork);
