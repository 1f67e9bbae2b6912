/** A Keras model that one ONNX file cannot hold: the limit is lowered to a small model. */
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { writeOnnx } from '../../src/adapters/tlt-model/onnx-file.ts';
import { readContent } from '../../src/export/models/model-content.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { sameBytes } from '../builders/same-bytes.ts';
import { imported, kerasBytes, kerasPath } from '../keras/fixtures.ts';
import { runPeer } from '../peers/venv.ts';

const key = 'correct horse battery staple';
const source = { path: kerasPath('resnet'), key: async () => key, weightsLimit: 1000 };
const newFolder = () => mkdtempSync(join(tmpdir(), 'onnx-file-'));

test('convert writes the weights of a large model to a file next to the graph, and onnx reads them', async (t) => {
  const target = join(newFolder(), 'm.onnx');
  await writeOnnx(target, await readContent(source));
  const whole = serializeModel((await imported(source.path)).model);
  t.true(sameBytes(serializeModel(await readModelFile(target)), whole));
  await t.notThrowsAsync(runPeer('check_onnx.py', [target]));
});
test('convert does the same for a large model in a .tlt', async (t) => {
  const path = join(newFolder(), 'm.tlt');
  writeFileSync(path, await encryptTlt(kerasBytes('resnet'), key, { workFactor: 2 }));
  const { model, payload } = await readContent({ ...source, path });
  t.is(payload, undefined);
  t.true(sameBytes(serializeModel(model), serializeModel((await imported(source.path)).model)));
});
test('a smaller model stays in one file', async (t) => {
  const target = join(newFolder(), 'm.onnx');
  await writeOnnx(target, await readContent({ ...source, weightsLimit: undefined }));
  t.deepEqual(readdirSync(join(target, '..')), ['m.onnx']);
});
test('no weights file is left if the graph cannot be written', async (t) => {
  const target = join(newFolder(), 'm.onnx');
  writeFileSync(target, 'mine');
  await t.throwsAsync(writeOnnx(target, await readContent(source)), {
    instanceOf: UserError,
    message: /already exists/,
  });
  t.false(existsSync(`${target}.data`));
});
test('tlt-export rejects a model of 2 GiB, and the message says what to do', async (t) => {
  const error = await t.throwsAsync(
    openModel({ path: source.path, key, architecture: 'classification', weightsLimit: 1000 }),
    {
      instanceOf: UserError,
      message: /its weights take \d+ bytes.*Prune and retrain.*tlt-model convert.*trtexec/,
    },
  );
  t.is(error?.reason, 'ModelUnsupported');
});
