/** A short run of `npm run faults`: one fault for each command. */
import test from 'ava';
import { seededRandom } from '../../src/ground/base/rng.ts';
import { faultInputs } from './cases.ts';
import { storm } from './storm.ts';

test('killed, or with a full disk, every command leaves its outputs whole or not at all, and nothing else', async (t) => {
  const inputs = await faultInputs();
  const repetitions = inputs.cases.length;
  const result = await storm(inputs, {
    repetitions,
    random: seededRandom(7),
    until: Number.POSITIVE_INFINITY,
  });
  t.deepEqual(result, { repetitions, findings: [] });
});
