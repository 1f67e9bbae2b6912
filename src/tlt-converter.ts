#!/usr/bin/env node
/** Entry: the command-line tool `tlt-converter`. */
import { checkNode } from './node-version.ts';

checkNode('tlt-converter');
const { runProcess } = await import('./tool.ts');

runProcess({
  name: 'tlt-converter',
  label: 'Building',
  script: import.meta.filename,
  run: async (argv, context) => {
    const { runConverterCommand } = await import('./adapters/tlt-converter/converter-command.ts');
    await runConverterCommand(argv, context);
  },
});
