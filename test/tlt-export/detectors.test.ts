/** `tlt-export` on modules whose models end in TensorRT plugin nodes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { copyWith, graphOf } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { aFolder, runTool, type ToolRun } from '../builders/tool.ts';
import { aTraining, specOf } from '../builders/training.ts';
import { type DetectorName, detectorFile, scenesFolder } from '../models/models.ts';
import { peerPython } from '../peers/venv.ts';

const key = 'correct horse battery staple';

const exportDetector = async (
  module: DetectorName,
  ...args: readonly string[]
): Promise<ToolRun & { readonly cwd: string }> => {
  const cwd = await aTraining(module);
  const flags = [
    module,
    '-m',
    detectorFile(module),
    '--key_file',
    'key.txt',
    '-e',
    'spec.txt',
    '-o',
    'model.etlt',
  ];
  return { ...(await runTool('tlt-export', [...flags, ...args], { cwd })), cwd };
};

const int8 = ['--data_type', 'int8', '--cal_image_dir', scenesFolder, '--batches', '2', '--batch_size', '6'];
/** Fast flags for tests about which tensors have a scale: few images, and MinMax, which has no search. */
const quickInt8 = [...int8, '--batches', '1', '--batch_size', '4', '--cal_algorithm', 'MinMax'];
const rtx = async (file: string) => [
  '--engine_file',
  file,
  '--engine_backend',
  'TensorRtRtx',
  '--compute_capability',
  '8.6',
  '--python',
  await peerPython(),
];

const cacheIn = (cwd: string) => parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8')).scales;

test('ssd in int8: the .etlt keeps the plugin node, the cache covers the tensors before it, and the engine finds the same boxes', async (t) => {
  const { code, stderr, cwd } = await exportDetector(
    'ssd',
    ...int8,
    '--engine_file',
    'e.onnx',
    '--report',
    'r.html',
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /Output node\(s\): \['NMS', 'NMS_1'\]$/m);
  const { payload } = await decryptModel(readFileSync(join(cwd, 'model.etlt')), key);
  t.true(Buffer.from(payload).equals(readFileSync(detectorFile('ssd'))));
  const scales = cacheIn(cwd);
  t.true(scales.has('Input') && scales.has('loc_data') && scales.has('conf_data') && !scales.has('NMS'));
  t.true(scales.get('Input')! * 127 > 100, 'blue, green and red minus their means');
  const { agreement } = JSON.parse(readFileSync(join(cwd, 'r.json'), 'utf8')) as {
    agreement: { matchedBoxes: number; top1?: number };
  };
  t.true(agreement.matchedBoxes > 0.8 && agreement.top1 === undefined, JSON.stringify(agreement));
  const engine = parseModel(readFileSync(join(cwd, 'e.onnx')));
  t.deepEqual(
    graphOf(engine).output.map(({ name }) => name),
    ['NMS', 'NMS_1'],
  );
});

test('faster_rcnn in int8 builds for TensorRT for RTX, proposals and crops included', async (t) => {
  const { code, stderr, cwd } = await exportDetector('faster_rcnn', ...quickInt8, ...(await rtx('e.plan')));
  t.is(code, 0, stderr);
  t.regex(stderr, /Input node: input_image$/m);
  t.regex(stderr, /Output node\(s\): \['nms_out', 'nms_out_1'\]$/m);
  t.true(cacheIn(cwd).has('roi_b/Conv'));
  t.true(readFileSync(join(cwd, 'e.plan')).length > 1_000_000);
});

test('yolo in fp16 builds for TensorRT for RTX', async (t) => {
  const { code, stderr, cwd } = await exportDetector('yolo', '--data_type', 'fp16', ...(await rtx('e.plan')));
  t.is(code, 0, stderr);
  t.regex(stderr, /Output node\(s\): \['BatchedNMS', 'BatchedNMS_1', 'BatchedNMS_2', 'BatchedNMS_3'\]$/m);
  t.true(readFileSync(join(cwd, 'e.plan')).length > 1_000_000);
});

test('dssd in int8 calibrates on the images of its training, with -e alone', async (t) => {
  const { code, stderr, cwd } = await exportDetector(
    'dssd',
    ...['--data_type', 'int8', '--batches', '1', '--batch_size', '4', '--cal_algorithm', 'MinMax'],
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /Calibrating on the training images with the data loader of spec\.txt$/m);
  t.true(existsSync(join(cwd, 'model.etlt')));
  t.true(cacheIn(cwd).has('conf_data') && !cacheIn(cwd).has('NMS'));
});

test('yolo exports in int8', async (t) => {
  const { code, stderr, cwd } = await exportDetector('yolo', ...quickInt8);
  t.is(code, 0, stderr);
  const scales = cacheIn(cwd);
  t.true(scales.size > 30 && scales.has('Input') && !scales.has('BatchedNMS'), [...scales.keys()].join());
});

test('retinanet in int8: upsampled tensors have a scale', async (t) => {
  const { code, stderr, cwd } = await exportDetector('retinanet', ...quickInt8);
  t.is(code, 0, stderr);
  t.true(cacheIn(cwd).has('P4_upsampled'));
});

test('a plugin that only TensorRT has is refused for an ONNX Runtime engine, before anything is written', async (t) => {
  const cwd = aFolder(key);
  const model = parseModel(readFileSync(detectorFile('ssd')));
  const node = graphOf(model).node.map((each) =>
    each.opType === 'NMSDynamic_TRT' ? copyWith(each, { opType: 'NMS_TRT' }) : each,
  );
  writeFileSync(
    join(cwd, 'old.onnx'),
    serializeModel(copyWith(model, { graph: copyWith(graphOf(model), { node }) })),
  );
  writeFileSync(join(cwd, 'spec.txt'), specOf('ssd'));
  const flags = ['ssd', '-m', 'old.onnx', '--key_file', 'key.txt', '-e', 'spec.txt'];
  mkdirSync(join(cwd, 'out'));
  const { code, stderr } = await runTool(
    'tlt-export',
    [...flags, '-o', 'out/a.etlt', '--engine_file', 'out/e.onnx'],
    { cwd },
  );
  t.is(code, failures.EngineUnsupported.exitCode, stderr);
  t.regex(stderr, /NMS \(NMS_TRT\).*backend TensorRt/s);
  t.deepEqual(readdirSync(join(cwd, 'out')), []);
});
