#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
import { runTensorfileCommand } from './adapters/tlt-export/tensorfile-command.ts';
/** Entry: the command-line tool `tlt-int8-tensorfile`. */
import { runProcess } from './tool.ts';

await runProcess({
  name: 'tlt-int8-tensorfile',
  label: 'Writing calibration tensorfile',
  run: runTensorfileCommand,
});
