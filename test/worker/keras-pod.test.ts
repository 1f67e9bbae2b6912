/** The containers of a ModelExport's pods with Keras models: one export, and an engine for each device class. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { runExportTask } from '../../src/adapters/worker/export-task.ts';
import { publish } from '../../src/adapters/worker/publish.ts';
import { stage } from '../../src/adapters/worker/stage.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { readDistributions } from '../../src/formats/scales/tensor-distributions.ts';
import { buildHere } from '../../src/graph/builders/build-here.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { workFiles } from '../../src/ground/contract/layout.ts';
import type { EngineBuilt, Exported } from '../../src/ground/contract/result.ts';
import type { CalibrationTask, EngineTask, ExportTask } from '../../src/ground/contract/task.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { anEngineTask } from '../builders/engine-task.ts';
import { aTaskContext } from '../builders/task-context.ts';
import { aFolder } from '../builders/tool.ts';
import { aDetectorSpec } from '../keras/detectors.ts';
import { kerasBytes, kerasPath } from '../keras/fixtures.ts';
import { peerPython } from '../peers/venv.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

const key = 'correct horse battery staple';

/** A folder with the claims `models` (the model, photos) and `exports`. */
const aPod = async (model: string) => {
  const root = aFolder(key);
  const at = (...names: string[]) => join(root, ...names);
  for (const folder of ['models', 'exports', 'work', 'built']) mkdirSync(at(folder));
  cpSync(kerasPath(model), at('models', 'm.hdf5'));
  cpSync(await smallPhotosFolder(), at('models', 'photos'), { recursive: true });
  return { at, context: { ...aTaskContext(root), work: at('work'), built: at('built') } };
};

const images: CalibrationTask = {
  source: 'ImageDirectory',
  imageDirectory: { uri: 'pvc://models/photos' },
  batches: 2,
  batchSize: 4,
  algorithm: 'Entropy',
};
const task: ExportTask = {
  architecture: 'detectnet_v2',
  model: { uri: 'pvc://models/m.hdf5' },
  dataType: 'int8',
  calibration: images,
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/k',
};

type Class = Pick<EngineTask, 'backend' | 'settings'>;

type Pod = Awaited<ReturnType<typeof aPod>>;

const buildEngineFor = async (
  { at, context }: Pod,
  exported: Exported,
  deviceClass: Class,
): Promise<EngineBuilt> => {
  const { backend } = deviceClass;
  const folder = `pvc://exports/k/engines/${backend}`;
  const engine = anEngineTask(exported, { ...deviceClass, deviceClass: backend, folder }, task.folder);
  await stage(engine, context);
  const request = at('work', workFiles.request);
  if (deviceClass.backend === 'OnnxRuntime') await buildHere(context.work, context.clock);
  else await promisify(execFile)(await peerPython(), [at('work', workFiles.driver), request]);
  return publish(engine, context);
};

test('a detector in .hdf5 gives one .etlt, one cache and the engines of two device classes', async (t) => {
  const pod = await aPod('detectnet_v2');
  const exported = await runExportTask(task, pod.context);
  t.deepEqual(exported.etlt.outputNodes, ['output_bbox/BiasAdd', 'output_cov/Sigmoid']);
  const found = readDistributions(readFileSync(pod.at('exports/k', exported.distributions!.file), 'utf8'));
  t.deepEqual([...found.scales.keys()], ['MinMax', 'Percentile', 'Mse']);
  t.true(found.extents.get('input_1')!.low >= 0, 'pixels');
  const cpu = await buildEngineFor(pod, exported, { backend: 'OnnxRuntime', settings: {} });
  // Lower than by the rules of TensorRT (31 dB), which leave the outputs of residual branches in float.
  t.true(Number(cpu.agreement!.sqnrDb) > 22.6, `${cpu.agreement!.sqnrDb} dB`);
  const ampere = await buildEngineFor(pod, exported, {
    backend: 'TensorRtRtx',
    settings: { computeCapability: '8.6' },
  });
  t.regex(ampere.runtime.name, /TensorRT/);
  t.true(ampere.engine.sizeBytes > 10_000);
  t.true((await runExportTask(task, pod.context)).reused);
});

test('a model with quantisation-aware training gets its cache from its own scales', async (t) => {
  const { at, context } = await aPod('detectnet_v2_qat');
  const { imageDirectory: _, ...calibration } = { ...images, source: 'Model' as const };
  const { calibrationCache } = await runExportTask({ ...task, calibration }, context);
  t.like(calibrationCache, { algorithm: 'Trained', images: 0 });
  const { scales } = parseCalibrationCache(readFileSync(at('exports/k/calibration.cache'), 'utf8'));
  t.true(scales.has('input_1'));
});

test('an ssd in a .tlt needs the mounted spec for its plugin nodes', async (t) => {
  const { at, context } = await aPod('ssd');
  writeFileSync(at('models', 'm.tlt'), await encryptTlt(kerasBytes('ssd'), key));
  writeFileSync(at('spec.txt'), aDetectorSpec('ssd'));
  const ssd = { ...task, architecture: 'ssd', model: { uri: 'pvc://models/m.tlt' } } as const;
  const { etlt } = await runExportTask({ ...ssd, experimentSpec: {} }, context);
  t.deepEqual([etlt.inputNode, ...etlt.outputNodes], ['Input', 'NMS', 'NMS_1']);
  const error = await t.throwsAsync(runExportTask({ ...ssd, folder: 'pvc://exports/other' }, context), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'SpecInvalid');
});
