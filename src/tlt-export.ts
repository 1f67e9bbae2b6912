#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
/** Entry: the command-line tool `tlt-export`. */
import { checkNode } from './node-version.ts';

checkNode('tlt-export');
const { runProcess } = await import('./tool.ts');

runProcess({
  name: 'tlt-export',
  label: 'Calibrating',
  script: import.meta.filename,
  run: async (argv, context) => {
    const { runExportCommand } = await import('./adapters/tlt-export/export-command.ts');
    await runExportCommand(argv, context);
  },
});
