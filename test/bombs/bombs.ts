/**
 * `npm run bombs [-- PART OF A NAME]`: every bomb in a memory cgroup of the default limit of the pod that would meet it.
 * Each must be refused with a typed error, or finish; none may be killed, or outlast a signal by two seconds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { reasonOfExitCode } from '../../src/ground/base/failures.ts';
import { allBombs } from './all.ts';
import { setOff } from './verdict.ts';

const [part = ''] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'tlt-bombs-'));
const line = (...cells: readonly string[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);

line('bomb', 'limit', 'peak', 'time', 'outcome');
line('---', '---', '---', '---', '---');
let faults = 0;
for (const bomb of (await allBombs(folder)).filter(({ name }) => name.includes(part))) {
  const { exitCode = 0, fault, memoryMiB, peakMiB, seconds } = await setOff(bomb);
  const outcome = fault ?? reasonOfExitCode(exitCode) ?? 'finished';
  line(bomb.name, `${memoryMiB} MiB`, `${peakMiB} MiB`, `${seconds.toFixed(1)} s`, outcome);
  if (fault !== undefined) faults += 1;
}
rmSync(folder, { recursive: true });
process.exitCode = faults === 0 ? 0 : 1;
