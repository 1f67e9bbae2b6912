/** What is read from a spec of each module, and how errors in it are reported. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LoaderPlan } from '../../src/data/datasets/plan.ts';
import { parseExperimentSpec, readExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../src/data/specs/read-spec.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'specs');
const textOf = (name: string): string => readFileSync(join(folder, `${name}.txt`), 'utf8');

const parsed = (text: string, architecture?: Architecture): ExperimentSpec =>
  parseExperimentSpec(text, { file: 'spec.txt', architecture });

/** Of a spec with some text put in the place of other text. */
const messageOf = (name: string, ...changes: readonly (readonly [string | RegExp, string])[]): string => {
  const text = changes.reduce((before, [from, to]) => before.replace(from, to), textOf(name));
  try {
    parsed(text, name.split('-')[0] as Architecture).loader();
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'SpecInvalid') return thrown.message;
    throw thrown;
  }
  return 'no error';
};

const names = ['classification', 'detectnet_v2', 'ssd', 'dssd', 'retinanet', 'yolo', 'faster_rcnn'] as const;

test('module and family of a spec are detected', (t) => {
  for (const name of names) {
    t.like(parsed(textOf(`${name}-tlt2`)), { architecture: name, family: 'TLT 2.0' });
    t.like(parsed(textOf(`${name}-tlt3`)), { architecture: name, family: 'TLT 3.0 or later' });
  }
});

const plans = test.macro({
  exec: (t, name: string, expected: Partial<LoaderPlan>) => {
    t.like(parsed(textOf(name)).loader(), expected);
  },
  title: (_given, name) => `the loader of ${name} does what that training does`,
});
const caffe = [103.939, 116.779, 123.68];
const wide = { channels: 3, height: 384, width: 1248 } as const;
test(plans, 'classification-tlt2', {
  kind: 'classFolders',
  training: '/workspace/data/split/train',
  size: { channels: 3, height: 224, width: 224 },
  batchSize: 64,
  geometry: { kind: 'nearest' },
  values: { order: 'BGR', half: false, scale: 1, mean: caffe, divisor: 1 },
});
test(plans, 'classification-tlt3', {
  size: { channels: 3, height: 64, width: 96 },
  values: { order: 'RGB', half: false, scale: 1 / 255, mean: [0.485, 0.456, 0.406], divisor: 0.224 },
});
test(plans, 'detectnet_v2-tlt2', {
  kind: 'tfrecords',
  validation: { fold: 0 },
  size: wide,
  geometry: { kind: 'padCrop', left: 0, top: 0 },
  values: { order: 'RGB', half: true, scale: 1 / 255, mean: [0, 0, 0], divisor: 1 },
});
test(plans, 'detectnet_v2-tlt3', {
  validation: { source: { records: 'records/val-*', imageFolder: '.' } },
  geometry: { kind: 'autoResize' },
});
test(plans, 'ssd-tlt2', {
  kind: 'tfrecords',
  geometry: { kind: 'padCrop', left: 0, top: 0 },
  values: { order: 'BGR', half: true, scale: 1, mean: caffe, divisor: 1 },
});
test(plans, 'ssd-tlt3', {
  kind: 'kittiFolders',
  training: [{ imageFolder: 'train/image_2', labelFolder: 'train/label_2' }],
  validation: [{ imageFolder: 'val/image_2', labelFolder: 'val/label_2' }],
  geometry: { kind: 'bilinear' },
  values: { order: 'BGR', half: false, scale: 1, mean: [103.9, 116.8, 123.7].map(Math.fround), divisor: 1 },
});
test(plans, 'dssd-tlt3', {
  kind: 'tfrecords',
  sources: [{ records: '/data/records/train-*' }],
  size: { channels: 1, height: 512, width: 512 },
  values: { order: 'RGB', half: false, scale: 1, mean: [117.5], divisor: 1 },
});
test(plans, 'yolo-tlt3', {
  kind: 'tfrecords',
  validation: { fold: 0 },
  size: wide,
  geometry: { kind: 'letterbox' },
});
test(plans, 'faster_rcnn-tlt2', {
  size: wide,
  batchSize: 16,
  values: { order: 'BGR', half: true, scale: 1, mean: caffe.map(Math.fround), divisor: 1 },
});
test(plans, 'faster_rcnn-tlt3', {
  size: { ...wide, channels: 1 },
  values: { order: 'RGB', half: true, scale: 1, mean: [Math.fround(117.3786)], divisor: 2 },
});

test('sources keep their weights, and the sampling mode can override them', (t) => {
  const weights = (mode: string) => {
    const plan = parsed(textOf('detectnet_v2-tlt3').replace('USER_DEFINED', mode)).loader();
    return plan.kind === 'tfrecords' && plan.sources.map(({ weight }) => weight);
  };
  t.deepEqual(weights('USER_DEFINED'), [2, 1]);
  t.deepEqual(weights('UNIFORM'), [1, 1]);
  t.deepEqual(weights('PROPORTIONAL'), [undefined, undefined]);
});

test('means and channel order of a spec replace those of the architecture for images of a folder', (t) => {
  const of = (name: string) => parsed(textOf(name)).imagePreprocessing;
  t.is(of('ssd-tlt2'), undefined);
  t.deepEqual(of('ssd-tlt3'), { order: 'BGR', mean: [103.9, 116.8, 123.7].map(Math.fround), scale: 1 });
  t.deepEqual(of('faster_rcnn-tlt3'), { order: 'RGB', mean: [Math.fround(117.3786)], scale: 0.5 });
});

test('classes come in the order of the outputs', (t) => {
  t.deepEqual(parsed(textOf('detectnet_v2-tlt3')).classes, ['person', 'bag']);
  t.deepEqual(parsed(textOf('ssd-tlt2')).classes, ['background', 'car', 'cyclist', 'pedestrian']);
  t.deepEqual(parsed(textOf('faster_rcnn-tlt2')).classes, ['car', 'person', 'background']);
});

test('all errors are reported at once, in text order, with file, line and column', (t) => {
  const message = messageOf(
    'detectnet_v2-tlt2',
    ['output_image_width: 1248', 'output_image_widht: 1248'],
    ['batch_size_per_gpu: 4', 'batch_size_per_gpu: "4"'],
    ['image_extension: "png"', 'image_extension: "gif"'],
  );
  t.deepEqual(message.split('\n'), [
    'Reading the experiment spec spec.txt: there are 3 errors.',
    '  spec.txt:7:3 dataset_config.image_extension: it is "gif", and must be png, jpg or jpeg',
    '  spec.txt:24:5 augmentation_config.preprocessing.output_image_widht: unknown field; did you mean output_image_width?',
    '  spec.txt:139:23 training_config.batch_size_per_gpu: an integer from 0 to 4294967295 is required, found a quoted string',
  ]);
});

const complains = test.macro({
  exec: (t, name: string, change: readonly [string | RegExp, string], expected: RegExp) => {
    t.regex(messageOf(name, change), expected);
  },
  title: (_given, name, [, to]: readonly [unknown, string], expected) => `${name} with '${to}': ${expected}`,
});
test(
  complains,
  'detectnet_v2-tlt2',
  ['output_image_width: 1248', 'output_image_width: 1250'],
  /multiple of 16/,
);
test(complains, 'detectnet_v2-tlt2', ['crop_right: 1248', 'crop_right: 1000'], /has 1000 × 384 pixels/);
test(complains, 'detectnet_v2-tlt2', ['crop_right: 1248', 'crop_left: 1250'], /the crop rectangle is empty/);
test(
  complains,
  'detectnet_v2-tlt2',
  ['crop_right: 1248', 'output_image_min: 300'],
  /this resize option is not supp/,
);
test(
  complains,
  'detectnet_v2-tlt2',
  ['crop_right: 1248', 'scale_width: 300'],
  /scale_width: this resize option/,
);
test(complains, 'detectnet_v2-tlt2', ['crop_right: 1248', 'output_image_channel: 4'], /must be 1 or 3/);
test(
  complains,
  'detectnet_v2-tlt2',
  [/data_sources \{[^}]*\}/, ''],
  /data_sources: required field is missing/,
);
test(
  complains,
  'detectnet_v2-tlt2',
  ['training_config {', 'training_config {}\nfoo {'],
  /foo: unknown field/,
);
test(complains, 'detectnet_v2-tlt3', ['source_weight: 2.0', ''], /set it for all sources, or for none/);
test(complains, 'detectnet_v2-tlt3', ['source_weight: 2.0', 'source_weight: -1'], /must be greater than 0/);
test(complains, 'classification-tlt3', ['"torch"', '"none"'], /must be caffe, torch or tf/);
test(complains, 'classification-tlt3', ['"3, 64, 96"', '"64,96"'], /must be "channels,height,width"/);
test(
  complains,
  'classification-tlt2',
  ['train_dataset_path', 'val_dataset_path'],
  /train_dataset_path: required field is missing/,
);
test(complains, 'ssd-tlt3', ["key: 'g'", "key: 'G'"], /has no value for g; required keys: b, g, r/);
test(complains, 'ssd-tlt3', ['output_width: 96', 'output_width: 32'], /must be at least 33/);
test(
  complains,
  'ssd-tlt3',
  ['label_directory_path: "train/label_2"', ''],
  /label_directory_path: required field is missing/,
);
test(complains, 'ssd-tlt3', [/nms_config .*/, ''], /nms_config: required field is missing/);
test(complains, 'yolo-tlt3', ['output_width: 1248', 'output_width: 1240'], /multiple of 32/);
test(complains, 'yolo-tlt3', ['hue: 0.1', 'output_depth: 16'], /only 8-bit pictures/);
test(complains, 'faster_rcnn-tlt2', ["key: 'b'", "key: 'l'"], /has no value for b; required keys: b, g, r/);
test(
  complains,
  'faster_rcnn-tlt2',
  ['output_image_width: 1248', 'output_image_width: 960'],
  /they must be equal/,
);
test(
  complains,
  'faster_rcnn-tlt2',
  ['size_height_width { height: 384 width: 1248 }', 'size_min { min: 600 }'],
  /size_height_width: required field is missing/,
);
test(
  complains,
  'faster_rcnn-tlt2',
  ["image_channel_order: 'bgr'", "image_channel_order: 'l'"],
  /must be rgb or bgr/,
);

test('a spec of another module is reported as such, without other errors', (t) => {
  const thrown = t.throws(() => parsed(textOf('ssd-tlt2'), 'detectnet_v2'), { instanceOf: UserError });
  t.regex(
    thrown.message,
    /it is a spec of ssd \(spec\.txt:2:1 has ssd_config\), but a spec of detectnet_v2 is required/,
  );
  t.false(thrown.message.includes('\n'));
});

test('missing loader settings do not prevent an export that needs no loader', (t) => {
  const text = textOf('ssd-tlt3').replace('image_directory_path: "train/image_2"', '');
  const spec = parsed(text, 'ssd');
  t.is(spec.plugin?.keepTopK, 200);
  t.throws(() => spec.loader(), { message: /image_directory_path: required field is missing/ });
});

test('errors never contain the key in a spec', (t) => {
  const message = messageOf(
    'faster_rcnn-tlt2',
    ["'not-a-real-key'", 'not_a_real_key'],
    ['verbose', 'verbos'],
  );
  t.regex(message, /enc_key: a quoted string is required/);
  t.notRegex(message, /not_a_real_key/);
});

test('binary, missing and oversized files are rejected by name', async (t) => {
  await t.throwsAsync(readExperimentSpec('/nowhere/spec.txt', 'ssd'), {
    message: /the file does not exist\. Check the path\./,
  });
  const photo = join(import.meta.dirname, '..', 'tlt-model', 'tensorfile.h5');
  await t.throwsAsync(readExperimentSpec(photo, 'ssd'), { message: /is not UTF-8 text/ });
  t.throws(() => parsed('#'.repeat(300_000), 'ssd'), { message: /more than 262144 characters/ });
});
