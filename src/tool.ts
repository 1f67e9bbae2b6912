/**
 * Shared part of the tool entries: streams, signals, progress and exit code. The shebang lines of the entries bound memory that
 * would grow with the number of images: malloc arenas and V8's young generation.
 */
import { tmpdir } from 'node:os';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
import { formatLogLine } from './adapters/cli/log-line.ts';
import { runTool } from './adapters/cli/run-tool.ts';
import type { ToolContext } from './adapters/cli/tool-context.ts';
import { audienceOf, nameFields } from './ground/contract/fields.ts';
import { activities, type ReportProgress } from './ground/contract/progress.ts';
import type { makeProgresses } from './ground/observability/progress.ts';
import { supervise } from './supervisor.ts';
import { runInWorkerThread, type Work } from './work.ts';

/** A command-line tool as a process. */
export type ToolProcess = {
  readonly name: string;
  /** Label of the progress bar. */
  readonly label: string;
  /** File of the entry. */
  readonly script: string;
  /** The work; runs in a worker thread. */
  readonly run: (argv: readonly string[], context: ProcessContext) => Promise<void>;
};

/** Dependencies of a tool that runs as a process. */
export type ProcessContext = ToolContext & {
  /** Writes to standard error. */
  readonly printError: (text: string) => void;
};

/** Runs a tool as this process. A signal stops it between two images, and at the latest after two seconds. */
export const runProcess = (tool: ToolProcess): void => {
  if (isMainThread) superviseTool(tool);
  else runInWorkerThread((each) => runWork(tool, each));
};

const superviseTool = ({ name, label, script }: ToolProcess): void => {
  const stream = process.stderr;
  // The work starts meanwhile, and its thread needs no bars.
  const loaded = import('./ground/observability/progress.ts').then((progress) =>
    progress.makeProgresses({ label, terminal: stream.isTTY === true, stream, now: Date.now }),
  );
  let bars: Progresses | undefined;
  supervise({
    script,
    onNotice: (notice) => {
      if (notice.kind === 'progress')
        void loaded.then((each) => {
          bars = each;
          updateBar(each, notice.update);
        });
      else if (notice.kind === 'stdout') process.stdout.write(notice.text);
      else stream.write(notice.text);
    },
    onAbort: ({ message }) => void stream.write(`${name}: ${message}\n`),
    close: () => bars?.stop(), // restores the cursor of the terminal
  });
};

type Progresses = ReturnType<typeof makeProgresses>;

const updateBar = (bars: Progresses, [done, total, activity]: Parameters<ReportProgress>): void =>
  bars.update(done, total, activity && capitalise(activities[activity]));

const capitalise = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const runWork = ({ name, run }: ToolProcess, { post, signal }: Work): Promise<number> => {
  const argv = process.argv.slice(2);
  const verbose = argv.some((word) => word === '-v' || word === '--verbose');
  const printError = (text: string) => post({ kind: 'stderr', text });
  const context: ProcessContext = {
    env: process.env,
    printError,
    print: (text) => post({ kind: 'stdout', text }),
    log: (level, message) => {
      if (level !== 'DEBUG' || verbose)
        printError(
          formatLogLine(name, new Date(), { level, message: nameFields(message, audienceOf(name)) }),
        );
    },
    progress: (...update) => post({ kind: 'progress', update }),
    signal,
    temporary: tmpdir(),
    clock: { now: () => performance.now() },
  };
  return runTool(name, printError, () => run(argv, context));
};
