/** Pictures of every form, beside what Pillow reads in them: bit for bit the same, or refused by both. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { decodeImage, greyOf } from '../../src/data/preprocessing/decode.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { decodePixels } from '../builders/pixels.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { runPeer } from '../peers/venv.ts';

const folder = mkdtempSync(join(tmpdir(), 'pillow-'));
/** Pillow's mode of each picture; null for those that it refuses. */
let modes: Readonly<Record<string, string | null>>;
test.before(async () => {
  modes = (await runPeer('pictures.py', [folder])) as typeof modes;
});

const expected = (name: string): Uint8Array => new Uint8Array(readFileSync(join(folder, name)));

/** The four ways in which a loader or a calibration reads a picture. */
const ways = async (name: string): Promise<Readonly<Record<string, Uint8Array>>> => {
  const path = join(folder, name);
  const pixels = await decodePixels({ path });
  const fitted = (channels: 1 | 3) => decodeImage(path, { width: 31, height: 19, channels });
  return {
    '.rgb': pixels.data,
    '.l': greyOf(pixels).data,
    '.fit.rgb': (await fitted(3)).data,
    '.fit.l': (await fitted(1)).data,
  };
};

for (const [ending, least] of [
  ['png', 60],
  ['jpg', 40],
  ['bmp', 30],
  ['ppm', 25],
  ['tif', 15],
  ['gif', 3],
] as const)
  test(`.${ending}: every picture is read as Pillow reads it, in its own size and resized`, async (t) => {
    const names = Object.keys(modes).filter((name) => name.endsWith(`.${ending}`) && modes[name] !== null);
    t.true(names.length >= least, `${names.length}`);
    for (const name of names)
      for (const [way, data] of Object.entries(await ways(name)))
        t.is(Buffer.compare(data, expected(`${name}${way}`)), 0, `${name} (${modes[name]})${way}`);
  });

test('what Pillow rejects is rejected by name', async (t) => {
  const names = Object.keys(modes).filter((name) => modes[name] === null);
  t.true(names.length >= 6, names.join(', '));
  for (const name of names) {
    const error = await t.throwsAsync(decodePixels({ path: join(folder, name) }), { instanceOf: UserError });
    t.is(error.reason, 'ImageInvalid', name);
    t.true(error.message.includes(name));
  }
});

test('a training with class folders of .bmp, .ppm and .tif is sampled into a tensorfile', async (t) => {
  const cwd = aFolder('k');
  const kinds = { bmp: '24-40.bmp', ppm: 'p6-255.ppm', tif: 'RGB.tif' };
  for (const [kind, name] of Object.entries(kinds)) {
    mkdirSync(join(cwd, 'train', kind), { recursive: true });
    for (const copy of [1, 2]) cpSync(join(folder, name), join(cwd, 'train', kind, `${copy}.${kind}`));
  }
  writeFileSync(
    join(cwd, 'spec.cfg'),
    `model_config { arch: "resnet" input_image_size: "3,32,32" }
     train_config { train_dataset_path: "train" batch_size_per_gpu: 3 preprocess_mode: "caffe" }`,
  );
  const words = ['classification', '-e', 'spec.cfg', '-o', 't.tensor', '-m', '2'];
  const { code, stderr } = await runTool('tlt-int8-tensorfile', words, { cwd });
  t.is(code, 0, stderr);
  t.regex(stderr, /Found 6 images belonging to 3 classes/);
});
