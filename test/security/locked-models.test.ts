/** A decrypted model has no folder, so its external data would be searched in the working folder. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { splitExternalData } from '../../src/formats/onnx/external-data.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { runTool } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';

test('an encrypted model with external data is refused, even if a file with that name exists', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'locked-'));
  const whole = parseModel(await smallClassifier());
  const { model, data } = splitExternalData(whole, { location: 'secret.bin', threshold: 1 });
  writeFileSync(join(cwd, 'secret.bin'), Buffer.concat([...data]));
  writeFileSync(join(cwd, 'm.tlt'), await encryptTlt(serializeModel(model), 'a key'));
  const { code, stderr } = await runTool(
    'tlt-export',
    ['classification', '-m', 'm.tlt', '-k', 'a key', '-o', 'm.etlt'],
    { cwd },
  );
  t.is(code, 13, stderr);
  t.regex(stderr, /keeps its data in another file/);
});
