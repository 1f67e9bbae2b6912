/** A short run of `npm run faults`: one fault per command. */
import test from 'ava';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { faultInputs } from './cases.ts';
import { injectFaults } from './inject.ts';

test('every command that is killed, or has a full disk, leaves complete outputs or none, and no other file', async (t) => {
  const inputs = await faultInputs();
  const repetitions = inputs.cases.length;
  const result = await injectFaults(inputs, {
    repetitions,
    random: seededRandom(7),
    until: Number.POSITIVE_INFINITY,
  });
  t.deepEqual(result, { repetitions, findings: [] });
});
