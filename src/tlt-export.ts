#!/usr/bin/env node
/** Entry: the command-line tool `tlt-export`. */
import { tmpdir } from 'node:os';
import process from 'node:process';
import { makeProgress } from './observability/progress.ts';
import { runExportCommand } from './worker/export-command.ts';
import { logLine } from './worker/log-line.ts';
import { runTool } from './worker/run-tool.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal));

const complain = (text: string) => void process.stderr.write(text);
const verbose = process.argv.some((word) => word === '-v' || word === '--verbose');
const progress = makeProgress({
  label: 'Calibrating',
  terminal: process.stderr.isTTY === true,
  stream: process.stderr,
  now: Date.now,
});

process.exitCode = await runTool('tlt-export', complain, () =>
  runExportCommand(process.argv.slice(2), {
    env: process.env,
    print: (text) => void process.stdout.write(text),
    log: (level, message) => {
      if (level !== 'DEBUG' || verbose) complain(logLine(new Date(), level, message));
    },
    progress: (done, total) => {
      progress.update(done, total);
      if (done === total) progress.stop();
    },
    signal: stop.signal,
    temporary: tmpdir(),
    clock: { now: () => performance.now() },
  }),
);
