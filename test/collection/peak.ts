/** Loaded before a tool: leaves the peak of its resident memory, in MiB, in the file that PEAK_FILE names. */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { usage } from '../bench/usage.ts';

process.on('exit', () => writeFileSync(process.env.PEAK_FILE!, String(usage().mebibytes)));
