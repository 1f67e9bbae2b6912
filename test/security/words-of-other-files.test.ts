/** A link to the key in place of an input must not make a message quote the key. */
import test from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { UserError } from '../../src/ground/base/errors.ts';

const secrets = [
  'my-very-secret-model-key',
  'hunter2',
  'tlt: secret',
  'secret',
  'a$ecret!',
  'key { word: 1 }',
  'secret\n',
];

for (const secret of secrets)
  test(`read as an experiment spec, ${JSON.stringify(secret)} is not quoted`, (t) => {
    for (const architecture of ['ssd', undefined] as const) {
      const error = t.throws(() => parseExperimentSpec(secret, { file: 'a file', architecture }), {
        instanceOf: UserError,
      });
      for (const word of secret.split(/[^a-z0-9]+/).filter((each) => each.length > 2 && each !== 'key'))
        t.false(error.message.includes(word), error.message);
      t.false(/[$!]/.test(error.message));
    }
  });

test('read as a calibration cache, the text is not quoted', (t) => {
  const error = t.throws(() => parseCalibrationCache('my-very-secret-model-key\n'), {
    instanceOf: UserError,
  });
  t.false(/very|secret/.test(error.message), error.message);
});

test('a misspelt field of a spec is named', (t) => {
  const text = 'ssd_config { }\nrandom_sed: 1';
  t.throws(() => parseExperimentSpec(text, { file: 'a file', architecture: 'ssd' }), {
    message: /random_sed: unknown field; did you mean random_seed/,
  });
});
