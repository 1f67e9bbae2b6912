#!/usr/bin/env node
/** Entry: the command-line tool `tlt-model`. */
import { checkNode } from './node-version.ts';

checkNode('tlt-model');
const { runProcess } = await import('./tool.ts');

runProcess({
  name: 'tlt-model',
  label: 'Reading',
  script: import.meta.filename,
  run: async (argv, { env, print, printError, signal }) => {
    const { runModelCommand } = await import('./adapters/tlt-model/model-command.ts');
    await runModelCommand(argv, { env, print, printError, signal, random: Math.random });
  },
});
