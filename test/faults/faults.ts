/** `npm run faults [-- REPETITIONS [SECONDS [SEED]]]`. Default: 300 repetitions in at most 15 minutes. Exits with 1 on a finding. */
import process from 'node:process';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { faultInputs } from './cases.ts';
import { injectFaults } from './inject.ts';

const [repetitions = 300, seconds = 900, seed = 1] = process.argv.slice(2).map(Number);
const { findings, repetitions: done } = await injectFaults(await faultInputs(), {
  repetitions,
  random: seededRandom(seed),
  until: performance.now() + seconds * 1000,
  onDone: (count, found) => {
    if (count % 25 === 0) process.stdout.write(`${count} repetitions, ${found} findings\n`);
  },
});
for (const finding of findings) process.stdout.write(`${finding.case}, ${finding.fault}: ${finding.found}\n`);
process.stdout.write(`${done} repetitions, seed ${seed}: ${findings.length} findings\n`);
process.exitCode = findings.length === 0 ? 0 : 1;
