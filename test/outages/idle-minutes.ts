/** `npm run outages:idle`: minutes of each situation in which there is nothing to do; fails if that costs anything. */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../cluster/end-with-signals.ts';
import { costIn, type Situation, situations } from './idle.ts';
import { startTestbed, type Testbed } from './testbed.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } });
const ms = Number(values.minutes) * 60_000;

/** Exports of the same artifact look every 15 s whether the other one has finished; the last such look comes after Ready. */
const delayedLooksMs = 20_000;

/** Of one core: collection of garbage, and timers. */
const mostCpuPercent = 2;

const wait = async (testbed: Testbed, situation: Situation): Promise<boolean> => {
  const { writes, reconciles, requests, cpuSeconds } = await costIn(testbed, situation, ms);
  const cpuPercent = (cpuSeconds * 100_000) / ms;
  const figures = `${reconciles} reconciles, ${requests} requests, ${writes.length} writes, ${cpuPercent.toFixed(2)} % of a core`;
  process.stdout.write(`${situation.name}: ${figures}\n`);
  const holds =
    reconciles === 0 &&
    writes.length === 0 &&
    requests <= situation.requestsIn(ms) &&
    cpuPercent < mostCpuPercent;
  return holds;
};

const main = async (): Promise<void> => {
  const testbed = await startTestbed({ replicas: 1, exportsPerRound: 30 });
  try {
    await testbed.runRound(async () => {});
    await sleep(delayedLooksMs);
    process.stdout.write(`30 ModelExports, ${values.minutes} min each\n`);
    for (const situation of situations) if (!(await wait(testbed, situation))) process.exitCode = 1;
  } finally {
    await testbed.stop();
  }
};

endWithSignals();
await main();
