/** A process in a memory cgroup of its own, as a container has one. Needs root and a control group that may be written. */
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
  /** Undefined for a process that a signal ended. */
  readonly exitCode: number | undefined;
  readonly seconds: number;
  /** Seconds that it took to end after the signal; undefined if it ended before. */
  readonly afterSignal: number | undefined;
  readonly peakMiB: number;
  /** Processes of the group that the kernel killed. */
  readonly killed: number;
  readonly stderr: string;
};

export type Bounds = {
  readonly memoryMiB: number;
  /** Then it gets SIGTERM, as a pod gets at its deadline. */
  readonly seconds: number;
};

let groups = 0;

/** Undefined where this process may make no control group. */
export const makeGroup = (memoryMiB: number): string | undefined => {
  const group = join(parent, `tlt-bombs-${process.pid}-${groups++}`);
  try {
    mkdirSync(group);
    writeFileSync(join(group, names.limit), `${memoryMiB * 2 ** 20}`);
    return group;
  } catch {
    return undefined; // no root, or a read-only tree
  }
};

export const runBounded = async (
  args: readonly string[],
  { memoryMiB, seconds }: Bounds,
): Promise<Bounded> => {
  const group = makeGroup(memoryMiB);
  if (!group) throw new Error('no control group of memory can be made here');
  const started = performance.now();
  // The shell joins the group and then becomes node: nothing is allocated outside.
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

/** The kernel lets go of a group a moment after its last process. */
const removed = async (group: string): Promise<void> => {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return rmdirSync(group);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};
