/** The tensorfile container: reads a training's data and spec, and stores a tensorfile and its manifest. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { runTensorfileTask } from '../../src/adapters/worker/tensorfile-task.ts';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import { defaults } from '../../src/ground/contract/defaults.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import { findLastReport } from '../../src/ground/contract/progress.ts';
import { parseResult } from '../../src/ground/contract/result.ts';
import type { ExportTask, TensorfileTask } from '../../src/ground/contract/task.ts';
import { collect } from '../builders/collected.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder, runProcess } from '../builders/tool.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

/** The spec of a training that ran in another container. */
const specText = (changes: Readonly<Record<string, string>> = {}): string => `
model_config { arch: "mobilenet_v2" input_image_size: "3,32,32" }
train_config {
  train_dataset_path: "${changes.train ?? '/workspace/data/train'}"
  val_dataset_path: "/workspace/data/val"
  optimizer { sgd { lr: 0.01 momentum: 0.9 } }
  batch_size_per_gpu: 4
  n_epochs: 80
  n_workers: 4
  preprocess_mode: "caffe"
  reg_config { type: "L2" scope: "Conv2D,Dense" weight_decay: 0.00005 }
  lr_config { step { learning_rate: 0.006 step_size: 10 gamma: 0.1 } }
}`;

const dataRoot = { uri: 'pvc://data/', pathInSpec: '/workspace/data' };
const aTask = (changes: Partial<TensorfileTask>): TensorfileTask => ({
  architecture: 'classification',
  experimentSpec: {},
  dataRoot,
  maxBatches: 3,
  useValidationSet: false,
  seed: 42,
  tensorfileKey: 'k',
  folder: 'pvc://exports/out/k',
  ...changes,
});

/** A folder with the claims `data` (24 training photos, 8 validation photos), `models` and `exports`, and a mounted spec. */
const aPod = async () => {
  const root = aFolder();
  const at = (...names: string[]) => join(root, ...names);
  mkdirSync(at('exports'));
  const photos = await smallPhotosFolder();
  for (const [index, name] of readdirSync(photos).sort().slice(0, 32).entries()) {
    const path = at('data', index < 24 ? 'train' : 'val', index % 2 === 0 ? 'a' : 'b', name);
    mkdirSync(dirname(path), { recursive: true });
    cpSync(join(photos, name), path);
  }
  mkdirSync(at('models'));
  writeFileSync(at('spec.txt'), specText());
  const context = aTaskContext(root);
  const run = (changes: Partial<TensorfileTask> = {}) => runTensorfileTask(aTask(changes), context);
  return { at, run, context, file: at('exports/out/k/calibration.tensor') };
};

const stored = { channels: 3, height: 32, width: 32, batches: 3, batchSize: 4, rows: 4 };
const photosIn = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' });

test('the sample is stored with its facts, its digest and a manifest', async (t) => {
  const { at, run, file } = await aPod();
  const { tensorfile, reused } = await run();
  t.false(reused);
  t.like(tensorfile, { file: 'calibration.tensor', batches: 3, images: 12 });
  t.is(sha256(readFileSync(file)), tensorfile.sha256);
  const batches = await collect(readTensorfileBatches(file, stored));
  t.deepEqual(
    batches.map(({ dims }) => dims),
    Array(3).fill([4, 3, 32, 32]),
  );
  const manifest = JSON.parse(readFileSync(at('exports/out/k/manifest.json'), 'utf8')) as Manifest;
  t.is(manifest.files['calibration.tensor']!.sha256, tensorfile.sha256);
  t.is(manifest.inputs.spec, sha256(specText()));
  t.deepEqual(photosIn(at('exports/out/k')).sort(), ['calibration.tensor', 'manifest.json']);
});

test('repeated work is found; another spec, seed, set or image is new work', async (t) => {
  const { at, run } = await aPod();
  const first = (await run()).tensorfile.sha256;
  t.like(await run(), { reused: true, tensorfile: { sha256: first } });
  const others = [
    (await run({ seed: 1 })).tensorfile.sha256,
    (await run({ maxBatches: 2, useValidationSet: true })).tensorfile.sha256,
  ];
  t.is(new Set([first, ...others]).size, 3);
  t.is((await run()).tensorfile.sha256, first, 'the same seed gives the same bytes');
  const [photo, other] = photosIn(at('data/train')).filter((name) => name.endsWith('.jpg'));
  cpSync(at('data/train', other!), at('data/train', photo!));
  t.false((await run({ maxBatches: 6 })).reused);
});

test('two concurrent pods of one tensorfile report the same result', async (t) => {
  const { at, run } = await aPod();
  const results = await Promise.all([run(), run()]);
  t.deepEqual(results.map(({ reused }) => reused).sort(), [false, true]);
  t.deepEqual(results[0]!.tensorfile, results[1]!.tensorfile);
  t.is(photosIn(at('exports/out/k')).length, 2);
  t.is(sha256(readFileSync(at('exports/out/k', results[0]!.tensorfile.file))), results[0]!.tensorfile.sha256);
});

test('broken images are logged and tolerated, up to the requested percentage', async (t) => {
  const { at, run, context, file } = await aPod();
  const broken = photosIn(at('data/train'))
    .filter((name) => name.endsWith('.jpg'))
    .slice(0, 8);
  for (const name of broken) writeFileSync(at('data/train', name), 'no image');
  const error = await t.throwsAsync(run(), { instanceOf: UserError });
  t.is(error.reason, 'ImageInvalid');
  t.false(existsSync(file), 'nothing half-written');
  t.is((await run({ maxBrokenPercent: 80 })).tensorfile.images, 12);
  t.is(context.warnings.length, 3, 'of the eight broken images, three are in the sample');
  for (const line of context.warnings)
    t.true(
      broken.some((name) => line.includes(basename(name))),
      line,
    );
});

type Pod = Awaited<ReturnType<typeof aPod>>;
type Refusal = { readonly reason: FailureReason; readonly message: RegExp };

const refuses = test.macro({
  exec: async (t, spoil: (pod: Pod) => Partial<TensorfileTask>, { reason, message }: Refusal) => {
    const pod = await aPod();
    const error = await t.throwsAsync(pod.run(spoil(pod)), { instanceOf: UserError });
    t.is(error.reason, reason);
    t.regex(error.message, message);
    t.deepEqual(readdirSync(pod.at('exports')), [], 'nothing was stored');
  },
  title: (what) => `refused: ${what}`,
});
test('more batches than the data set has', refuses, () => ({ maxBatches: 7 }), {
  reason: 'TooFewImages',
  message: /28 images, but it has 24/,
});
test(
  'a folder that the data root lacks, with the mapped path in the message',
  refuses,
  ({ at }) => {
    writeFileSync(at('spec.txt'), specText({ train: '/workspace/data/absent' }));
    return {};
  },
  { reason: 'InputNotFound', message: /data\/absent/ },
);
test('a data root that does not exist', refuses, () => ({ dataRoot: { uri: 'pvc://data/absent' } }), {
  reason: 'InputNotFound',
  message: /pvc:\/\/data\/absent: it does not exist/,
});
test('a spec that does not exist', refuses, () => ({ experimentSpec: { uri: 'pvc://models/spec.cfg' } }), {
  reason: 'InputNotFound',
  message: /pvc:\/\/models\/spec\.cfg: it does not exist/,
});
test(
  'a spec that is not text',
  refuses,
  ({ at }) => {
    writeFileSync(at('spec.txt'), Buffer.from([0xff, 0xfe, 0]));
    return {};
  },
  { reason: 'SpecInvalid', message: /it is not UTF-8 text/ },
);
test(
  'a spec with an unknown field',
  refuses,
  ({ at }) => {
    writeFileSync(at('spec.txt'), specText().replace('batch_size_per_gpu', 'batch_size_per_cpu'));
    return {};
  },
  { reason: 'SpecInvalid', message: /batch_size_per_gpu/ },
);

test('calibration with the data loader equals calibration with a tensorfile of its batches', async (t) => {
  const { at, run, context } = await aPod();
  rmSync(at('spec.txt'));
  writeFileSync(at('models', 'spec.cfg'), specText());
  writeFileSync(at('models', 'm.onnx'), await smallClassifier());
  const experimentSpec = { uri: 'pvc://models/spec.cfg' };
  const { tensorfile } = await run({ experimentSpec });
  const exported = (calibration: Partial<NonNullable<ExportTask['calibration']>>) =>
    runExportTask(
      {
        architecture: 'classification',
        model: { uri: 'pvc://models/m.onnx' },
        dataType: 'int8',
        calibration: { source: 'DataLoader', batches: 3, batchSize: 4, algorithm: 'MinMax', ...calibration },
        forcePtq: false,
        experimentSpec,
        exportKey: 'e',
        folder: 'pvc://exports/out/e',
      },
      context,
    );
  const loaded = await exported({ dataLoader: { dataRoot }, minAgreement: 1 });
  t.true((await exported({ dataLoader: { dataRoot } })).reused);
  const read = await exported({
    source: 'Tensorfile',
    tensorfile: toArtifact('pvc://exports/out/k', tensorfile),
  });
  t.false(read.reused);
  t.is(read.calibrationCache!.sha256, loaded.calibrationCache!.sha256);
  t.is(loaded.calibrationCache!.images, 12);
  t.truthy(loaded.verification, 'engines are verified on held-out images');
});

test('the spec of the sample manifest is valid, and its batch size is that of the export that refers to it', (t) => {
  const sample = readFileSync(join(import.meta.dirname, '../../deploy/samples/tensorfile.yaml'), 'utf8');
  const [configMap, object] = parseAllDocuments(sample).map((document) => document.toJS());
  const { architecture, experimentSpec, dataRoot } = (object as CalibrationTensorfile).spec;
  const { name: file, key } = experimentSpec.configMapKeyRef!;
  t.is(configMap.metadata.name, file);
  const plan = parseExperimentSpec(configMap.data[key], { file, architecture }).loader();
  t.is(plan.batchSize, defaults.batchSize);
  t.true(JSON.stringify(plan).includes(`${dataRoot.pathInSpec}/train`));
});

test('the container reads spec and claims from their mounts, and writes the result to the termination message', async (t) => {
  const { at } = await aPod();
  const root = aFolder();
  for (const path of [mounts.claims, mounts.specFile, mounts.terminationMessage])
    mkdirSync(dirname(join(root, path)), { recursive: true });
  cpSync(at(), join(root, mounts.claims), { recursive: true });
  cpSync(at('spec.txt'), join(root, mounts.specFile));
  const ran = await runProcess('worker', ['tensorfile', '--task', JSON.stringify(aTask({ maxBatches: 1 }))], {
    env: { TLT_WORKER_ROOT: root },
  });
  t.is(ran.code, 0, ran.stderr);
  const result = parseResult(readFileSync(join(root, mounts.terminationMessage), 'utf8'));
  t.like(result, { kind: 'TensorfileWritten', tensorfile: { batches: 1, images: 4 } });
  t.like(findLastReport(ran.stderr), { activity: 'Sampling', done: 4, total: 4 });
  t.true(existsSync(join(root, mounts.claims, 'exports/out/k/calibration.tensor')));
});
