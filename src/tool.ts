/**
 * What the entries of the command-line tools have in common: streams, signals, progress and exit status of a process.
 * Their first lines bound what grows with the number of images: heaps of the C library and node's young generation.
 */
import { tmpdir } from 'node:os';
import process from 'node:process';
import { logLine } from './adapters/cli/log-line.ts';
import { runTool } from './adapters/cli/run-tool.ts';
import type { ToolWorld } from './adapters/tlt-export/tool-world.ts';
import { UserError } from './ground/base/errors.ts';
import { makeProgresses } from './ground/observability/progress.ts';

export type ToolProcess = {
  readonly name: string;
  /** What is told to be under way. */
  readonly label: string;
  readonly run: (argv: readonly string[], world: ToolWorld) => Promise<void>;
};

/** Runs a tool as this process; a first signal stops it between two images, a second one at once. */
export const runProcess = async ({ name, label, run }: ToolProcess): Promise<void> => {
  const argv = process.argv.slice(2);
  const verbose = argv.some((word) => word === '-v' || word === '--verbose');
  const complain = (text: string) => void process.stderr.write(text);
  const stream = process.stderr;
  const bars = makeProgresses({ label, terminal: stream.isTTY === true, stream, now: Date.now });
  const world: ToolWorld = {
    env: process.env,
    print: (text) => void process.stdout.write(text),
    log: (level, message) => {
      if (level !== 'DEBUG' || verbose) complain(logLine(name, new Date(), { level, message }));
    },
    progress: bars.update,
    signal: stopSignal(),
    temporary: tmpdir(),
    clock: { now: () => performance.now() },
  };
  process.exitCode = await runTool(name, complain, async () => {
    try {
      await run(argv, world);
    } finally {
      bars.stop(); // else a terminal stays without its cursor
    }
  });
};

const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () =>
      stop.abort(
        new UserError(
          'Interrupted',
          `Stopped by ${signal} before the work was done. Nothing half-written was left; run it again.`,
        ),
      ),
    );
  return stop.signal;
};
