/** A container of a pod as a process of its own: the compiled worker with its mounts in a folder. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { mounts } from '../../src/ground/contract/layout.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import type { Measured } from './measure.ts';
import { asInTheImage } from './measure.ts';

const worker = join(import.meta.dirname, '../../node_modules/.cache/bench/src/worker.js');

export type WorkerProcess = {
  readonly command: 'count' | 'export';
  readonly task: ExportTask;
  /** Folder of the claims. */
  readonly claims: string;
  /** Folder with the files of the Secret of object storage. */
  readonly credentials?: string;
  /** Index of the pod, and the processor that it is bound to. */
  readonly index?: number;
};

/** Runs the container in a folder below `folder`, with the key `bench`. @throws Error with its output if it fails */
export const runWorker = async (folder: string, container: WorkerProcess): Promise<Measured> => {
  const { command, task, claims, credentials, index } = container;
  const root = mkdtempSync(join(folder, 'pod-'));
  const place = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  writeFileSync(place(mounts.keyFile), 'bench');
  symlinkSync(claims, place(mounts.claims));
  if (credentials !== undefined) symlinkSync(credentials, place(mounts.s3Credentials));
  mkdirSync(dirname(place(mounts.terminationMessage)), { recursive: true });
  const usage = join(root, 'usage');
  const timed = ['/usr/bin/time', '--format', '%U %S %M', '--output', usage];
  const bound = index === undefined ? [] : ['taskset', '--cpu-list', String(index)];
  const [program, ...args] = [
    ...bound,
    ...timed,
    process.execPath,
    worker,
    command,
    '--task',
    JSON.stringify(task),
  ];
  const part = index === undefined ? {} : { JOB_COMPLETION_INDEX: String(index) };
  const env = { ...process.env, ...asInTheImage, TLT_WORKER_ROOT: root, ...part };
  const startedMs = performance.now();
  const pod = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  pod.stdout.on('data', (text) => (said += text));
  const code = await new Promise((resolve) => pod.on('close', resolve));
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
  const [user = 0, system = 0, kibibytes = 0] = readFileSync(usage, 'utf8').trim().split(' ').map(Number);
  rmSync(root, { recursive: true });
  return { seconds, processorSeconds: user + system, mebibytes: kibibytes / 1024 };
};
