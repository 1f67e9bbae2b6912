#!/usr/bin/env node
/** Entry: the command-line tool `tlt-model`. */
import process from 'node:process';
import { runTool } from './adapters/cli/run-tool.ts';
import { runModelCommand } from './adapters/tlt-model/model-command.ts';

const stop = new AbortController();
/** A codec that runs is ended first; then the signal does what it does to any program. */
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stop.abort(signal);
    setImmediate(() => process.kill(process.pid, signal));
  });

const print = (text: string) => void process.stdout.write(text);
const complain = (text: string) => void process.stderr.write(text);

process.exitCode = await runTool('tlt-model', complain, () =>
  runModelCommand(process.argv.slice(2), { env: process.env, print, complain, signal: stop.signal }),
);
