/** Child process that fuzzes one reader: `child.ts TARGET SEED INPUTS SECONDS FOLDER`. Sends its figures to the parent. */
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { startCoverage } from './coverage.ts';
import { runTarget } from './run-target.ts';
import { targets } from './targets.ts';

const [name = '', seed, inputs, seconds, folder = ''] = process.argv.slice(2);
const target = targets[name]!;
/** File with the current input, which the parent reads if this process dies or hangs. */
const current = openSync(join(folder, 'current'), 'w');
const clock = () => performance.now();
const started = clock();
const coverage = target.isOpaque ? undefined : startCoverage();
let [begun, reported] = [0, started];

const figures = await runTarget({
  target,
  seed: Number(seed),
  folder,
  clock,
  ...(coverage && { coverage }),
  onInput: (input) => {
    begun += 1;
    if (clock() - reported > 1000) {
      reported = clock();
      process.send?.({ done: begun });
    }
    ftruncateSync(current, input.length);
    writeSync(current, input, 0, input.length, 0);
  },
  shouldContinue: (done) => done < Number(inputs) && clock() - started < Number(seconds) * 1000,
});
coverage?.stop();
closeSync(current);
const findings = figures.findings.map(({ what, input }, i) => {
  const file = join(folder, `finding-${i}`);
  writeFileSync(file, input);
  return { what, file };
});
const { maxRSS } = process.resourceUsage();
process.send?.({ figures: { ...figures, findings, memoryMiB: Math.round(maxRSS / 1024) } }, () =>
  process.disconnect(),
);
