#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
/** Entry: the command-line tool `tlt-int8-tensorfile`. */
import { checkNode } from './node-version.ts';

checkNode('tlt-int8-tensorfile');
const { runProcess } = await import('./tool.ts');

runProcess({
  name: 'tlt-int8-tensorfile',
  label: 'Writing calibration tensorfile',
  script: import.meta.filename,
  run: async (argv, context) => {
    const { runTensorfileCommand } = await import('./adapters/tlt-export/tensorfile-command.ts');
    await runTensorfileCommand(argv, context);
  },
});
