/** `tlt-export` and `tlt-model` on Keras models of the modules whose graphs end in TensorRT plugin nodes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { floatOf, intOf } from '../../src/formats/onnx/node.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import {
  type DetectorArchitecture,
  detectorArchitectures,
} from '../../src/graph/keras/detectors/detector.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { aDetectorSpec } from '../keras/detectors.ts';
import { kerasBytes, kerasPath } from '../keras/fixtures.ts';
import { scenesFolder } from '../models/models.ts';

const key = 'correct horse battery staple';

const aDetectorFolder = (module: DetectorArchitecture): string => {
  const cwd = aFolder(key);
  writeFileSync(join(cwd, 'spec.txt'), aDetectorSpec(module));
  return cwd;
};
const flags = (module: DetectorArchitecture, ...more: readonly string[]) => [
  module,
  '-m',
  kerasPath(module),
  '--key_file',
  'key.txt',
  '-e',
  'spec.txt',
  '-o',
  'm.etlt',
  ...more,
];
/** MinMax is the fastest algorithm, because it has no search. */
const int8 = [
  ...['--data_type', 'int8', '--cal_image_dir', scenesFolder, '--batches', '1', '--batch_size', '2'],
  ...['--cal_algorithm', 'MinMax'],
];

type Ends = {
  readonly input: string;
  readonly outputs: string;
  readonly keepTopK: number;
  readonly scaled: string;
};

const nms = { input: 'Input', outputs: "'NMS', 'NMS_1'", keepTopK: 20, scaled: 'loc_data' };
const ends: Readonly<Record<DetectorArchitecture, Ends>> = {
  ssd: nms,
  dssd: nms,
  retinanet: nms,
  yolo: {
    input: 'Input',
    outputs: "'BatchedNMS', 'BatchedNMS_1', 'BatchedNMS_2', 'BatchedNMS_3'",
    keepTopK: 20,
    scaled: 'conv_sm_object/BiasAdd',
  },
  faster_rcnn: {
    input: 'input_image',
    outputs: "'nms_out', 'nms_out_1'",
    keepTopK: 10,
    scaled: 'time_distributed_4/batchnorm/add_1',
  },
};

const isExported = test.macro({
  exec: async (t, module: DetectorArchitecture) => {
    const cwd = aDetectorFolder(module);
    const { input, outputs, keepTopK, scaled } = ends[module];
    const { code, stderr } = await runTool('tlt-export', flags(module, ...int8), { cwd });
    t.is(code, 0, stderr);
    t.true(
      stderr.includes(`Input node: ${input}\n`) && stderr.includes(`Output node(s): [${outputs}]\n`),
      stderr,
    );
    const { payload } = await decryptModel(readFileSync(join(cwd, 'm.etlt')), key);
    const last = graphOf(parseModel(payload)).node.at(-1)!;
    const threshold = floatOf(last, module === 'yolo' ? 'scoreThreshold' : 'confidenceThreshold', 0);
    t.deepEqual([intOf(last, 'keepTopK', 0), threshold], [keepTopK, Math.fround(0.3)]);
    const { scales } = parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8'));
    t.true(
      scales.has(input) && scales.has(scaled) && !scales.has(last.output[0]!),
      [...scales.keys()].join(' '),
    );
  },
  title: (_, module) =>
    `${module} from its Keras file: the .etlt ends in the plugin node, and the cache covers the tensors before it`,
});
for (const module of detectorArchitectures) test(isExported, module);

test('an engine for this machine is built from the .tlt of a training', async (t) => {
  const cwd = aDetectorFolder('ssd');
  writeFileSync(join(cwd, 'ssd.tlt'), await encryptTlt(kerasBytes('ssd'), key, { workFactor: 4 }));
  const args = flags('ssd', '-m', 'ssd.tlt', '--engine_file', 'e.onnx');
  const { code, stderr } = await runTool('tlt-export', args, { cwd });
  t.is(code, 0, stderr);
  const engine = graphOf(parseModel(readFileSync(join(cwd, 'e.onnx'))));
  t.deepEqual(
    engine.output.map(({ name }) => name),
    ['NMS', 'NMS_1'],
  );
});

test('convert adds the plugin nodes if it has a spec, and only then', async (t) => {
  const cwd = aDetectorFolder('yolo');
  const ended = await runTool('tlt-model', ['convert', kerasPath('yolo'), '-e', 'spec.txt', '-o', 'a.onnx'], {
    cwd,
  });
  t.is(ended.code, 0, ended.stderr);
  const { node } = graphOf(parseModel(readFileSync(join(cwd, 'a.onnx'))));
  t.is(node.at(-1)!.opType, 'BatchedNMSDynamic_TRT');
  const trained = await runTool('tlt-model', ['convert', kerasPath('ssd'), '-o', 'b.onnx'], { cwd });
  t.is(trained.code, 0, trained.stderr);
  const { output } = graphOf(parseModel(readFileSync(join(cwd, 'b.onnx'))));
  t.deepEqual(
    output.map(({ name }) => name),
    ['ssd_predictions/Reshape'],
  );
});

test('inspect reports that the end of a detector depends on the spec', async (t) => {
  const paths = [kerasPath('ssd'), kerasPath('faster_rcnn')];
  const { code, stdout } = await runTool('tlt-model', ['inspect', ...paths]);
  t.is(code, 0);
  t.is(stdout.match(/end +TensorRT plugin nodes, added according to the training's spec/g)?.length, 2);
  t.regex(stdout, /output +ssd_predictions\/Reshape/);
  t.regex(stdout, /note +not shown without the spec\. .*proposal_1 \(Proposal\)/);
  const { stdout: json } = await runTool('tlt-model', ['inspect', '--json', kerasPath('resnet')]);
  t.is(JSON.parse(json).keras.endsBySpec, false);
});

test('a spec of another training is refused, and nothing is left', async (t) => {
  const cwd = aDetectorFolder('ssd');
  writeFileSync(
    join(cwd, 'spec.txt'),
    `${aDetectorSpec('ssd')}dataset_config { target_class_mapping { key: "c" value: "c" } }`,
  );
  const { code, stderr } = await runTool('tlt-export', flags('ssd'), { cwd });
  t.is(code, failures.SpecInvalid.exitCode, stderr);
  t.regex(stderr, /has 3 classes including the background/);
  t.deepEqual(readdirSync(cwd).sort(), ['key.txt', 'spec.txt']);
});
