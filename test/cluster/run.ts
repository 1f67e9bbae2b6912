/** Runs other programs for the tests: to completion with progress, or in the background until stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { tied } from './outlived.ts';

export type RunOptions = {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Label for progress on standard error; silent if unset. */
  readonly label?: string;
  readonly input?: string | Uint8Array;
};

/** Returns standard output; throws the end of standard error if the program fails. */
export const run = async (
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> => {
  const { cwd, env, label, input } = options;
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => stdout.push(part));
  child.stderr.on('data', (part: Buffer) => {
    stderr = (stderr + part.toString()).slice(-4000);
  });
  child.stdin.on('error', () => {}); // The program may end without reading its input.
  child.stdin.end(input);
  const stopTelling = label === undefined ? () => {} : tell(label);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit, signal) => resolve(exit ?? (signal ? 128 : 1)));
  }).finally(stopTelling);
  if (code !== 0)
    throw new Error(
      `${command} ${args.join(' ')}: exit ${code}\n${stderr}${Buffer.concat(stdout).toString().slice(-2000)}`,
    );
  return Buffer.concat(stdout).toString();
};

/** The lines of a long-running program, which ends with the loop that reads them or when the time is up. */
export async function* linesOf(
  command: string,
  args: readonly string[],
  limitMs: number,
): AsyncGenerator<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: Math.ceil(limitMs) });
  try {
    yield* createInterface({ input: child.stdout });
  } finally {
    child.kill();
  }
}

/** Logs at the start, then every 15 s, so that a long build does not look like a hang. */
const tell = (label: string): (() => void) => {
  const started = Date.now();
  process.stderr.write(`${label} …\n`);
  const timer = setInterval(() => {
    process.stderr.write(`${label} … ${Math.round((Date.now() - started) / 1000)} s\n`);
  }, 15_000);
  return () => {
    clearInterval(timer);
    process.stderr.write(`${label}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  };
};

export interface Background {
  readonly pid: number;
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a server in its own process group with a log file; killed if it does not stop within 5 s, and when this process
 * ends.
 */
export const background = (
  command: string,
  args: readonly string[],
  {
    log,
    env,
    cwd,
  }: { readonly log: string; readonly env?: Readonly<Record<string, string>>; readonly cwd?: string },
): Background => {
  const file = openSync(log, 'a');
  const child: ChildProcess = tied(
    spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', file, file],
      detached: true,
    }),
    { group: true },
  );
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', () => {}); // Reported by the caller that waits for the server to answer.
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    signalGroup(child.pid, 'SIGTERM');
    const killer = setTimeout(() => signalGroup(child.pid!, 'SIGKILL'), 5000);
    await exited;
    clearTimeout(killer);
  };
  return { pid: child.pid ?? 0, exited, stop };
};

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
};

/** Calls `attempt` until it returns a value; throws its last error when the time is up. */
export const eventually = async <T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  limitMs = 180_000,
): Promise<T> => {
  const end = Date.now() + limitMs;
  let last: unknown;
  while (Date.now() < end) {
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (thrown) {
      last = thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(
    `${what}: not within ${limitMs / 1000} s${last instanceof Error ? ` (${last.message})` : ''}`,
  );
};
