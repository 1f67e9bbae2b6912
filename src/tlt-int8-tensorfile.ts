#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
/** Entry: the command-line tool `tlt-int8-tensorfile`. */
import { runProcess } from './tool.ts';
import { runTensorfileCommand } from './tools/tensorfile-command.ts';

await runProcess({
  name: 'tlt-int8-tensorfile',
  label: 'Writing calibration tensorfile',
  run: runTensorfileCommand,
});
