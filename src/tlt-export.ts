#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1
import { runExportCommand } from './adapters/tlt-export/export-command.ts';
/** Entry: the command-line tool `tlt-export`. */
import { runProcess } from './tool.ts';

await runProcess({ name: 'tlt-export', label: 'Calibrating', run: runExportCommand });
