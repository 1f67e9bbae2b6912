/** Entry: the containers of export and engine pods. `worker <command> --task JSON`; the result is the termination message. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { makePvcStore } from './adapters/storage/pvc.ts';
import { messageOf, UserError } from './ground/base/errors.ts';
import { type FailureReason, failures } from './ground/base/failures.ts';
import { mounts } from './ground/contract/layout.ts';
import { encodeResult, type Result } from './ground/contract/result.ts';
import type { EngineTask, ExportTask, TensorfileTask } from './ground/contract/task.ts';
import { makeProgresses } from './ground/observability/progress.ts';

const stop = new AbortController();
const interrupted = new UserError(
  'Interrupted',
  'Stopped by a signal before the work was done; it is tried again.',
);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort(interrupted));

/** Another root of all mounted folders, for runs outside a pod. */
const root = process.env.TLT_WORKER_ROOT ?? '';
const at = (path: string) => `${root}${path}`;

const progress = makeProgresses({
  label: process.argv[2] === 'tensorfile' ? 'sampling' : 'calibrating',
  terminal: false,
  stream: process.stderr,
  now: Date.now,
});
const world = {
  store: makePvcStore(at(mounts.claims)),
  keyFile: at(mounts.keyFile),
  specFile: at(mounts.specFile),
  work: at(mounts.work),
  built: at(mounts.built),
  signal: stop.signal,
  progress: progress.update,
  clock: { now: () => performance.now() },
  warn: (message: string) => void process.stderr.write(`${JSON.stringify({ warning: message })}\n`),
};

/** Each loads what it needs and no more: a container that copies or hashes starts in half the time. */
const commands: Readonly<Record<string, (task: never) => Promise<Result | undefined>>> = {
  export: async (task: ExportTask) => {
    const { runExportTask } = await import('./adapters/worker/export-task.ts');
    return runExportTask(task, world);
  },
  tensorfile: async (task: TensorfileTask) => {
    const { runTensorfileTask } = await import('./adapters/worker/tensorfile-task.ts');
    return runTensorfileTask(task, world);
  },
  stage: async (task: EngineTask) => {
    const { stage } = await import('./adapters/worker/stage.ts');
    await stage(task, world);
    return undefined;
  },
  'build-onnxruntime': async () => {
    const { buildHere } = await import('./graph/builders/build-here.ts');
    await buildHere(world.work, world.clock);
    return undefined;
  },
  install: async () => {
    const { installWorker } = await import('./adapters/worker/install.ts');
    const app = join(import.meta.dirname, '..');
    await installWorker({ node: process.execPath, app, target: at(mounts.worker) });
    return undefined;
  },
  publish: async (task: EngineTask) => {
    const { publish } = await import('./adapters/worker/publish.ts');
    return publish(task, world);
  },
};

const run = async (): Promise<Result | undefined> => {
  const [name = '', flag, text = ''] = process.argv.slice(2);
  const command = commands[name];
  if (!command || flag !== '--task')
    throw new UserError('Usage', `usage: worker {${Object.keys(commands).join(', ')}} --task JSON`);
  return command(JSON.parse(text) as never);
};

const failed = (thrown: unknown): { readonly reason: FailureReason; readonly message: string } => {
  if (stop.signal.aborted) return { reason: 'Interrupted', message: interrupted.message };
  if (thrown instanceof UserError) return { reason: thrown.reason, message: thrown.message };
  process.stderr.write(`${thrown instanceof Error ? thrown.stack : messageOf(thrown)}\n`);
  return {
    reason: 'Internal',
    message: `Defect of the worker: ${messageOf(thrown)}. Please report it with the pod's log.`,
  };
};

const report = (result: Result): void => {
  const text = encodeResult(result);
  process.stdout.write(`${text}\n`);
  try {
    writeFileSync(at(mounts.terminationMessage), text);
  } catch (thrown) {
    process.stderr.write(`no termination message could be written: ${messageOf(thrown)}\n`);
  }
};

try {
  const result = await run();
  if (result) report(result);
} catch (thrown) {
  const failure = failed(thrown);
  report({ kind: 'Failed', ...failure });
  process.exitCode = failures[failure.reason].exitCode;
}
