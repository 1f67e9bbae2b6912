/** Preloaded before a tool: writes its processor time and peak memory as JSON to the file USAGE_FILE. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { usage } from '../usage.ts';

process.on('exit', () => writeFileSync(process.env.USAGE_FILE!, JSON.stringify(usage())));
