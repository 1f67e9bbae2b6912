/** HDF5 can keep an array in another file. Such a file must not make a tool read a file that the user did not name. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { File, ready } from 'h5wasm/node';
import { readHdf5Contents } from '../../src/formats/hdf5/hdf5-contents.ts';
import { withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { importKeras } from '../../src/graph/keras/import.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { kerasBytes } from '../keras/fixtures.ts';
import { peerPython, runPeer } from '../peers/venv.ts';

const folder = mkdtempSync(join(tmpdir(), 'other-files-'));
const secret = join(folder, 'key');
let files = 0;
const newPath = (): string => join(folder, `${files++}`);

test.before(async () => {
  await peerPython();
  await ready;
  writeFileSync(secret, 'my-very-secret-model-key-0123456'.repeat(2000));
});

const ways = {
  'external-storage': /keeps data in another file/,
  'external-link': /external link into another file/,
  virtual: /virtual dataset/,
} as const;

const readTensorfile = async (path: string): Promise<void> => {
  const request = { channels: 3, height: 4, width: 5, batches: 1, batchSize: 1, rows: 1 };
  for await (const _ of readTensorfileBatches(path, request));
};

for (const [how, says] of Object.entries(ways)) {
  const other = how === 'external-storage' ? secret : join(folder, `${how}.h5`);
  test(`a tensorfile with ${how} is refused by name`, async (t) => {
    const path = newPath();
    await runPeer('hdf5_other_files.py', ['tensorfile', path, how, other]);
    const error = await t.throwsAsync(readTensorfile(path), { instanceOf: UserError, message: says });
    t.is(error.reason, 'TensorfileInvalid');
  });
  test(`a Keras model with ${how} is refused by name`, async (t) => {
    const path = newPath();
    writeFileSync(path, kerasBytes('resnet'));
    await runPeer('hdf5_other_files.py', ['keras', path, how, `${other}2`, 'predictions/predictions/bias:0']);
    const reading = withKerasFile({ path }, (file) => importKeras(file));
    const error = await t.throwsAsync(reading, { instanceOf: UserError, message: says });
    t.is(error.reason, 'ModelInvalid');
  });
}

for (const device of ['/dev/urandom', '/dev/stdin', '/proc/self/fd/3'])
  test(`external storage in ${device}, a device of the library's file system, is refused`, async (t) => {
    const path = newPath();
    await runPeer('hdf5_other_files.py', ['tensorfile', path, 'external-storage', device]);
    await t.throwsAsync(readTensorfile(path), {
      instanceOf: UserError,
      message: ways['external-storage'],
    });
  });

test('inspecting a group that is a link into another file names the link', async (t) => {
  const path = newPath();
  const file = new File(path, 'w');
  file.create_attribute('count', 1, [], '<q');
  file.create_external_link(secret, '/', '_tensorfile_array_key__0');
  file.close();
  const error = await t.throwsAsync(readHdf5Contents(path), { instanceOf: UserError });
  t.regex(error.message, /_tensorfile_array_key__0 is an external link/);
});
