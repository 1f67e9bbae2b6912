#!/usr/bin/env node
/** Entry: the command-line tool `tlt-int8-tensorfile`. */
import process from 'node:process';
import { runTool } from './worker/run-tool.ts';
import { runTensorfileCommand } from './worker/tensorfile-command.ts';

process.exitCode = await runTool(
  'tlt-int8-tensorfile',
  (text) => void process.stderr.write(text),
  async () => runTensorfileCommand(process.argv.slice(2), (text) => void process.stdout.write(text)),
);
