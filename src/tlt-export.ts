#!/usr/bin/env node
/** Entry: the command-line tool `tlt-export`. */
import { runProcess } from './tool.ts';
import { runExportCommand } from './tools/export-command.ts';

await runProcess({ name: 'tlt-export', label: 'Calibrating', run: runExportCommand });
