/** Fields and forms of earlier and later releases: read where they matter, accepted and named where they do not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../src/data/specs/read-spec.ts';
import { UserError } from '../../src/ground/base/errors.ts';

const textOf = (name: string): string =>
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'specs', `${name}.txt`), 'utf8');

const parsed = (text: string): ExperimentSpec =>
  parseExperimentSpec(text, { file: 'spec.txt', architecture: undefined });

const inference = /^ {2}inference_config \{[\s\S]*?^ {2}\}\n/m;

test("TLT 2.0's faster_rcnn keeps inference_config in training_config, and its numbers end the graph", (t) => {
  const { plugin, family } = parsed(textOf('faster_rcnn-tlt2'));
  t.is(family, 'TLT 2.0');
  t.like(plugin, {
    iouThreshold: Math.fround(0.3),
    topK: 300,
    keepTopK: 300,
    proposal: { preNmsTopN: 6000, postNmsTopN: 300, iouThreshold: Math.fround(0.7) },
  });
});

test('the same block at the top level, as in TLT 3.0, has the same effect', (t) => {
  const text = textOf('faster_rcnn-tlt2');
  const [block = ''] = inference.exec(text) ?? [];
  const moved = `${text.replace(block, '')}${block}`;
  t.deepEqual(parsed(moved).plugin, parsed(text).plugin);
});

test('an inference_config in both places is rejected, because only one can configure the plugin nodes', (t) => {
  const text = textOf('faster_rcnn-tlt2');
  const [block = ''] = inference.exec(text) ?? [];
  const thrown = t.throws(() => parsed(text + block), { instanceOf: UserError });
  t.regex(thrown.message, /spec\.txt:\d+:3 inference_config: it is set twice/);
});

/** Spec, the text after which the fields come, and the fields. */
const history: readonly (readonly [string, string, string])[] = [
  ['classification-tlt3', 'model_config {', 'use_imagenet_head: true'],
  ['classification-tlt3', 'model_config {', 'retain_head: true'],
  ['classification-tlt3', 'model_config {', 'byom_model: "model.tltb"'],
  ['classification-tlt2', 'eval_config {', 'conf_threshold: 0.5'],
  [
    'faster_rcnn-tlt2',
    'inference_config {',
    "trt_inference { trt_engine: 'a' trt_data_type: 'int8' max_workspace_size_MB: 2000 }",
  ],
  [
    'faster_rcnn-tlt3',
    'evaluation_config {',
    "trt_evaluation { trt_data_type: 'fp32' etlt_model { model: 'm' calibration_cache: 'c' } }",
  ],
  ['faster_rcnn-tlt2', 'training_config {', "pretrained_model: 'm' training_data_parser: 'raw_kitti'"],
  ['faster_rcnn-tlt2', 'training_config {', "class_mapping { key: 'Car' value: 1 } output_weights: 'w'"],
  ['faster_rcnn-tlt2', 'data_augmentation {', 'use_augmentation: true'],
  ['faster_rcnn-tlt2', 'kitti_data_config {', "images_dir: 'i' labels_dir: 'l'"],
  ['faster_rcnn-tlt2', '  evaluation_config {', "dataset { images_dir: 'i' } data_parser: 'raw_kitti'"],
];

for (const [name, place, fields] of history)
  test(`${name}: '${fields}' changes nothing, and is named as not needed`, (t) => {
    const text = textOf(name);
    t.true(text.includes(place));
    const { loader, unneeded, ...rest } = parsed(text.replace(place, `${place}\n${fields}\n`));
    const { loader: before, unneeded: others, ...without } = parsed(text);
    t.deepEqual(rest, without);
    t.deepEqual(loader(), before());
    const added = unneeded.filter((path) => !others.includes(path));
    const parts = [place.replace(' {', '').trim(), fields.split(/[:\s]/)[0]!];
    t.true([...others, ...added].some((path) => parts.some((part) => path.split('.').includes(part))));
  });

test('unused fields are listed once, a message instead of all its fields', (t) => {
  const { unneeded } = parsed(textOf('faster_rcnn-tlt2'));
  for (const path of ['enc_key', 'training_config.optimizer', 'training_config.evaluation_config'])
    t.true(unneeded.includes(path), path);
  for (const path of ['network_config', 'training_config', 'training_config.kitti_data_config'])
    t.false(unneeded.includes(path), path);
  t.false(unneeded.some((path) => path.startsWith('training_config.optimizer.')));
  t.false(unneeded.some((path) => path.includes('target_class_mapping')));
  t.true(unneeded.includes('training_config.inference_config.bbox_visualize_threshold'));
  t.false(unneeded.includes('training_config.inference_config.rpn_nms_max_boxes'));
});
