/** Preloaded before a tool: writes its peak resident memory, in MiB, to the file PEAK_FILE. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { usage } from '../bench/usage.ts';

process.on('exit', () => writeFileSync(process.env.PEAK_FILE!, String(usage().mebibytes)));
