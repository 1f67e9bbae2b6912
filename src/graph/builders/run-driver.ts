/** Runs the TensorRT build driver on this machine. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { UserError } from '../../ground/base/errors.ts';
import { reasonOfExitCode } from '../../ground/base/failures.ts';

/** One run of the build driver. */
export type DriverRun = {
  /** Interpreter with the module `tensorrt` or `tensorrt_rtx`. */
  readonly python: string;
  /** Path of the build request. */
  readonly request: string;
  readonly signal: AbortSignal;
  /** Called with each line of the driver's output, a JSON object. */
  readonly onLine: (line: string) => void;
};

/** Path of the driver, in the sources and in the image. */
export const driverFile = join(import.meta.dirname, 'driver', 'build_engine.py');

/**
 * Runs the driver and waits for its end.
 * @throws UserError with the driver's reason and message, EngineBuildFailed if Python cannot be started
 */
export const runDriver = async ({ python, request, signal, onLine }: DriverRun): Promise<void> => {
  const child = spawn(python, [driverFile, request], { stdio: ['ignore', 'pipe', 'inherit'], signal });
  let last = '';
  let rest = '';
  const finish = (line: string): void => {
    if (line.trim() === '') return;
    last = line;
    onLine(line);
  };
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop()!;
    lines.forEach(finish);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', (cause) => reject(notStarted(python, cause)));
    child.on('close', (exit) => resolve(exit ?? 1));
  });
  finish(rest);
  if (code !== 0) throw new UserError(reasonOfExitCode(code) ?? 'EngineBuildFailed', messageIn(last));
};

const notStarted = (python: string, cause: Error): UserError =>
  new UserError(
    'EngineBuildFailed',
    `Starting ${python}: ${cause.message}. Use --python to name a Python interpreter.`,
    { cause },
  );

/** The last line of a failed driver has its message; a driver that crashed wrote none. */
const messageIn = (line: string): string => {
  try {
    return String((JSON.parse(line) as { message?: unknown }).message ?? line);
  } catch {
    return `Building the engine: the driver ended early; its last line is: ${line}`;
  }
};
