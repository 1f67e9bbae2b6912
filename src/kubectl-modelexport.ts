#!/usr/bin/env node
/** Entry: the kubectl plugin `kubectl modelexport`. kubectl finds it by its name on the PATH. */
import { checkNode } from './node-version.ts';

checkNode('kubectl-modelexport');
const { runPlugin } = await import('./plugin.ts');
await runPlugin();
