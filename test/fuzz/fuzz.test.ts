/** A short `npm run fuzz`: a few hundred damaged inputs per reader, the same in every run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runTarget } from './run-target.ts';
import { targets } from './targets.ts';

/** Slow readers get fewer inputs: libhdf5 starts again for each file, and images are decoded in threads. */
const fewer: Readonly<Record<string, number>> = { 'HDF5 tensorfile': 64, 'Keras HDF5': 64, pictures: 64 };
const usual = 320;

for (const [name, target] of Object.entries(targets))
  test.serial(`${name}: damaged inputs are read, or refused with a UserError`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tlt-test-fuzz-'));
    const clock = () => performance.now();
    const goesOn = (inputs: number) => inputs < (fewer[name] ?? usual);
    const { findings, inputs, accepted } = await runTarget({
      target,
      seed: 7,
      folder,
      clock,
      shouldContinue: goesOn,
    });
    t.deepEqual(
      findings.map(({ what }) => what),
      [],
    );
    t.true(inputs >= (fewer[name] ?? usual));
    t.true(accepted > 0, 'the seeds are accepted');
  });
