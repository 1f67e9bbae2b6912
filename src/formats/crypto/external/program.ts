/**
 * Runs a program with limits on time, output and diagnostics: bytes in, bytes out, the key on file descriptor 3, no
 * shell.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { kill } from 'node:process';
import type { Readable, Writable } from 'node:stream';
import type { Diagnostics } from './diagnostics.ts';
import type { Sink } from './sinks.ts';

/** One run of a program. */
export type ProgramCall = {
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly input: Uint8Array;
  readonly key: string;
  /** Receives standard output. */
  readonly sink: Sink;
  readonly signal: AbortSignal;
  /** Time limit in milliseconds. */
  readonly limitMs: number;
};

/** How a run ended. `TooLong`: time limit reached. `TooMuch`: the sink refused more output. */
export type ProgramEnd =
  | { readonly kind: 'Exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'NotStarted'; readonly cause: Error }
  | { readonly kind: 'TooLong' | 'TooMuch' | 'Interrupted' };

/** Bytes of standard error that are kept, from its end: programs report the reason for a failure last. */
const diagnosticsLimit = 8192;

/** How a run ended, and the end of its standard error. */
export type ProgramResult = { readonly end: ProgramEnd; readonly diagnostics: Diagnostics };

/** Runs the program until it exits or a limit is reached; then its whole process group is killed. Never rejects. */
export const runProgram = async (call: ProgramCall): Promise<ProgramResult> => {
  const child = startProgram(call.words);
  if (child instanceof Error)
    return { end: { kind: 'NotStarted', cause: child }, diagnostics: noDiagnostics };
  const stop = Promise.withResolvers<ProgramEnd>();
  child.on('error', (cause) => stop.resolve({ kind: 'NotStarted', cause }));
  child.on('close', (code, signal) => stop.resolve({ kind: 'Exited', code, signal }));
  child.stdout.on('data', (part: Buffer) => {
    if (!call.sink.take(part)) stop.resolve({ kind: 'TooMuch' });
  });
  const diagnostics = keepTail(child.stderr, diagnosticsLimit);
  writeAndClose(child.stdio[3] as Writable, Buffer.from(call.key));
  writeAndClose(child.stdin, call.input);
  const late = AbortSignal.timeout(call.limitMs);
  whenAborted(late, () => stop.resolve({ kind: 'TooLong' }));
  whenAborted(call.signal, () => stop.resolve({ kind: 'Interrupted' }));
  const end = await stop.promise;
  if (end.kind !== 'Exited') killGroup(child);
  return { end, diagnostics: diagnostics() };
};

/** The listener is never removed: a process makes only a few calls. */
const whenAborted = (signal: AbortSignal, then: () => void): void => {
  if (signal.aborted) then();
  signal.addEventListener('abort', then);
};

const noDiagnostics: Diagnostics = { bytes: Buffer.alloc(0), cut: false };

/** Starts the program in a process group of its own, so that the children of a wrapper script can be killed with it. */
const startProgram = ([program = '', ...words]: readonly string[]) => {
  try {
    return spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], detached: true });
  } catch (thrown) {
    return thrown as Error; // Node throws some errors and emits others as an event.
  }
};

/** Errors are ignored: a program may close its input early, and its exit code and output decide. */
const writeAndClose = (stream: Writable, bytes: Uint8Array): void => {
  stream.on('error', () => undefined);
  stream.end(bytes);
};

const keepTail = (stream: Readable, limit: number): (() => Diagnostics) => {
  let bytes = Buffer.alloc(0);
  let cut = false;
  stream.on('data', (part: Buffer) => {
    cut ||= bytes.length + part.length > limit;
    bytes = Buffer.concat([bytes, part]).subarray(-limit);
  });
  return () => ({ bytes, cut });
};

const killGroup = (child: ChildProcess): void => {
  for (const stream of child.stdio) stream?.destroy();
  try {
    if (child.pid !== undefined) kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has already ended.
  }
};
