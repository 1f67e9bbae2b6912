#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
/** Entry: the command-line tool `tlt-export`. */
import { runProcess } from './tool.ts';
import { runExportCommand } from './tools/export-command.ts';

await runProcess({ name: 'tlt-export', label: 'Calibrating', run: runExportCommand });
