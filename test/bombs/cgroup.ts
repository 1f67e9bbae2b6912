/** Runs a process in its own memory cgroup, like a container. Needs root and a writable cgroup file system. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const versionOne = '/sys/fs/cgroup/memory';
const isOne = existsSync(join(versionOne, 'memory.limit_in_bytes'));
const parent = isOne ? versionOne : '/sys/fs/cgroup';
const names = isOne
  ? { limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', events: 'memory.oom_control' }
  : { limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' };

export type Bounded = {
  /** Undefined if a signal ended the process. */
  readonly exitCode: number | undefined;
  readonly seconds: number;
  /** Seconds from the signal to the end; undefined if it ended before the signal. */
  readonly afterSignal: number | undefined;
  readonly peakMiB: number;
  /** Number of processes that the OOM killer ended. */
  readonly killed: number;
  readonly stderr: string;
};

export type Bounds = {
  readonly memoryMiB: number;
  /** Seconds until SIGTERM, like the deadline of a pod. */
  readonly seconds: number;
};

let groups = 0;

/** Creates a cgroup; undefined without permission. */
export const makeGroup = (memoryMiB: number): string | undefined => {
  const group = join(parent, `tlt-bombs-${process.pid}-${groups++}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, names.limit), `${memoryMiB * 2 ** 20}`);
    return group;
  } catch {
    return undefined; // not root, or a read-only file system
  }
};

export const runBounded = async (
  args: readonly string[],
  { memoryMiB, seconds }: Bounds,
): Promise<Bounded> => {
  const group = makeGroup(memoryMiB);
  if (!group) throw new Error('cannot create a memory cgroup');
  const started = performance.now();
  // The shell joins the cgroup and then executes node, so all memory counts.
  const shell = ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, process.execPath, ...args];
  const child = spawn('/bin/sh', shell, { stdio: ['ignore', 'ignore', 'pipe'] });
  let signalled: number | undefined;
  const timer = setTimeout(() => {
    signalled = performance.now();
    child.kill('SIGTERM');
  }, seconds * 1000);
  const { exitCode, stderr } = await ended(child);
  clearTimeout(timer);
  const end = performance.now();
  const numberIn = (name: string, pattern: RegExp): number =>
    Number(pattern.exec(readFileSync(join(group, name), 'utf8'))?.[1] ?? 0);
  const facts = {
    peakMiB: Math.round(numberIn(names.peak, /(\d+)/) / 2 ** 20),
    killed: numberIn(names.events, /oom_kill (\d+)/),
  };
  await removed(group);
  const afterSignal = signalled === undefined ? undefined : (end - signalled) / 1000;
  return { exitCode, seconds: (end - started) / 1000, afterSignal, ...facts, stderr };
};

const ended = (child: ChildProcess): Promise<Pick<Bounded, 'exitCode' | 'stderr'>> =>
  new Promise((resolve) => {
    let stderr = '';
    child.stderr?.on('data', (part) => {
      stderr += part;
    });
    child.on('close', (code) => resolve({ exitCode: code ?? undefined, stderr }));
  });

/** The kernel releases a cgroup shortly after its last process ends. */
const removed = async (group: string): Promise<void> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return rmdirSync(group);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};
