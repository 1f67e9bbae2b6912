/**
 * `npm run bombs [-- PART OF A NAME]`: runs every bomb in a memory cgroup with the default limit of the pod that would read it.
 * Each must be refused with a UserError or finish. None may be killed, or run for more than two seconds after a signal.
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
