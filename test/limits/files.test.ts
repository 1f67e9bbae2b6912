/** Pipes, devices and folders in place of files are refused at once, because reading them might never end. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { connectS3 } from '../../src/adapters/storage/s3/client.ts';
import { decodeImage } from '../../src/data/preprocessing/decode.ts';
import { readHistograms } from '../../src/export/pipeline/histograms.ts';
import { readKey } from '../../src/formats/crypto/key.ts';
import { readModelFile, writeModelFile } from '../../src/formats/onnx/model.ts';
import { indexRecords } from '../../src/formats/tfrecord/tfrecord.ts';
import { fileDigest } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { openReadable, readRegular } from '../../src/ground/base/readable.ts';
import { settingsOf } from '../builders/s3-store.ts';
import { runExport, runModel } from '../builders/tool-context.ts';
import { modelFile } from '../models/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'tlt-test-files-'));
const pipe = join(folder, 'pipe');
const keyFile = join(folder, 'key.txt');

test.before(() => {
  execFileSync('mkfifo', [pipe]);
  writeFileSync(keyFile, 'a key');
});

const irregular: Readonly<Record<string, string>> = {
  'a pipe': pipe,
  'a device': '/dev/zero',
  'a folder': folder,
};

const reasonOf = async (read: () => unknown): Promise<string> => {
  try {
    await read();
    return 'it was read';
  } catch (thrown) {
    return thrown instanceof UserError ? `${thrown.reason}: ${thrown.message}` : String(thrown);
  }
};

const readers: Readonly<Record<string, (path: string) => unknown>> = {
  openReadable,
  readRegular,
  fileDigest,
  readModelFile,
  readHistograms,
  indexRecords,
};

for (const [kind, path] of Object.entries(irregular))
  for (const [name, read] of Object.entries(readers))
    test(`${name} refuses ${kind}`, async (t) => {
      t.regex(
        await reasonOf(() => read(path)),
        new RegExp(`^InputNotFound: .*it is ${kind}, but a regular file`),
      );
    });

test('a model whose data file is a pipe is refused', async (t) => {
  const path = join(folder, 'model.onnx');
  await writeModelFile(path, await readModelFile(modelFile('classifier')), { externalDataThreshold: 16 });
  execFileSync('rm', [`${path}.data`]);
  execFileSync('mkfifo', [`${path}.data`]);
  t.regex(await reasonOf(() => readModelFile(path)), /^InputNotFound: .*it is a pipe/);
});

const exported = ['-o', join(folder, 'm.etlt'), '--key_file', keyFile];
const commands: Readonly<Record<string, readonly string[]>> = {
  'a pipe as a model': ['-m', pipe],
  'a device as a model': ['-m', '/dev/zero'],
  'a pipe as an experiment spec': ['-m', modelFile('classifier'), '-e', pipe],
};

for (const [what, args] of Object.entries(commands))
  test(`tlt-export refuses ${what}`, async (t) => {
    const message = await reasonOf(() => runExport('classification', ...args, ...exported));
    t.regex(message, /^InputNotFound: .*but a regular file is required/);
  });

test('tlt-model inspect refuses a pipe', async (t) => {
  t.regex(await reasonOf(() => runModel('inspect', pipe)), /^InputNotFound: .*it is a pipe/);
});

test('a pipe in place of a manifest is refused', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-test-claims-'));
  mkdirSync(join(root, 'exports'));
  execFileSync('mkfifo', [join(root, 'exports', 'manifest.json')]);
  const store = makePvcStore(root);
  const message = await reasonOf(() =>
    store.read('pvc://exports/manifest.json', 'manifestBytes', new AbortController().signal),
  );
  t.regex(message, /^InputNotFound: .*it is a pipe/);
});

test('an image that is a pipe is refused, with its name', async (t) => {
  const images = mkdtempSync(join(tmpdir(), 'tlt-test-images-'));
  execFileSync('mkfifo', [join(images, 'a.jpg')]);
  const size = { width: 8, height: 8, channels: 3 } as const;
  const message = await reasonOf(() => decodeImage(join(images, 'a.jpg'), size));
  t.regex(message, /^ImageInvalid: .*a\.jpg: it is a pipe/);
});

test('a key or authority that never ends is refused, and a pipe with a key is read', async (t) => {
  t.regex(
    await reasonOf(() => readKey({ keyFile: '/dev/zero', env: {} })),
    /^InputNotFound: Reading \/dev\/zero: it has at least .* bytes, and at most 1,048,576 are accepted/,
  );
  const places = { credentials: folder, authority: '/dev/zero' };
  const settings = { ...settingsOf('https://127.0.0.1:1'), hasAuthority: true } as const;
  t.regex(await reasonOf(() => connectS3(settings, places)), /^InputNotFound: .*at most 1,048,576/);
  const writing = writeFile(pipe, 'a key\n');
  t.is(await readKey({ keyFile: pipe, env: {} }), 'a key');
  await writing;
});
