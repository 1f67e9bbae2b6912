/** Exports of attention with a mask of minus infinity, and of other tensors that contain infinities. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { Network } from '../builders/networks.ts';
import { aFolder, runTool } from '../builders/tool.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

/** Sixteen rows of sixteen features, each attending to the rows before it. */
const attention = (): ModelProto => {
  const network = new Network();
  const pooled = network.node('AveragePool', [network.stem()], {
    kernel_shape: { ints: [4, 4] },
    strides: { ints: [4, 4] },
  });
  const shaped = network.node('Reshape', [pooled, network.integers(0, 16, 16)]);
  const rows = network.node('Transpose', [shaped], { perm: { ints: [0, 2, 1] } });
  const product = (name: string) => network.node('MatMul', [rows, network.weight([16, 16], 0.3)], {}, [name]);
  const [query, key, value] = [product('query'), product('key'), product('value')];
  const turned = network.node('Transpose', [key], { perm: { ints: [0, 2, 1] } });
  const scores = network.node('MatMul', [query, turned], {}, ['scores']);
  const places = Array.from({ length: 256 }, (_, i) => (i % 16 > Math.floor(i / 16) ? 1 : 0));
  const isLater = network.node('Greater', [network.floats([16, 16], places), network.scalar(0.5)]);
  const masked = network.node('Where', [isLater, network.scalar(Number.NEGATIVE_INFINITY), scores], {}, [
    'masked',
  ]);
  const weights = network.node('Softmax', [masked], { axis: { int: -1 } }, ['weights']);
  const mixed = network.node('MatMul', [weights, value], {}, ['mixed']);
  network.classes(network.node('ReduceMean', [mixed], { axes: { ints: [1] }, keepdims: { int: 0 } }), 16);
  return network.model();
};

/** Pixels above zero are infinite, and a convolution with enough channels reads them. */
const divided = (): ModelProto => {
  const network = new Network();
  const stem = network.stem();
  const zero = network.node('Mul', [stem, network.scalar(0)]);
  const infinite = network.node('Div', [network.scalar(1), zero], {}, ['infinite']);
  const weight = network.floats([16, 16, 1, 1], Array(256).fill(0.1));
  const read = network.node('Conv', [infinite, weight], {}, ['read']);
  const bounded = network.node('Clip', [read, network.scalar(-1), network.scalar(1)]);
  network.head(network.node('Add', [stem, bounded]));
  return network.model();
};

const workplace = (model: ModelProto): string => {
  const cwd = aFolder();
  writeFileSync(join(cwd, 'model.onnx'), serializeModel(model));
  return cwd;
};

const int8 = async (cwd: string, ...more: string[]) => {
  const args = ['classification', '-m', 'model.onnx', '--key_file', 'key.txt', '--data_type', 'int8'];
  const images = ['--cal_image_dir', await smallPhotosFolder(), '--batches', '1', '--batch_size', '8'];
  return runTool('tlt-export', [...args, ...images, '--cal_cache_file', 'cal.bin', ...more], { cwd });
};

const scalesIn = (cwd: string) => parseCalibrationCache(readFileSync(join(cwd, 'cal.bin'), 'utf8')).scales;

test('a mask of minus infinity before a softmax gets no scale, with a warning, and int8 agrees with float', async (t) => {
  const cwd = workplace(attention());
  const { code, stderr } = await int8(
    cwd,
    '--min_agreement',
    '20',
    '--engine_file',
    'engine.onnx',
    '--report',
    'r.html',
  );
  t.is(code, 0, stderr);
  t.regex(stderr, /\[WARNING\].* Infinite, and so without scales; what reads them stays float: masked \(on /);
  t.regex(readFileSync(join(cwd, 'r.json'), 'utf8'), /Infinite, and so without scales/);
  const scales = scalesIn(cwd);
  t.false(scales.has('masked'));
  t.true(['query', 'key', 'scores', 'weights', 'mixed'].every((name) => scales.has(name)));
  const again = await int8(cwd, '-o', 'again.etlt', '--engine_file', 'again.onnx');
  t.is(again.code, 0, again.stderr);
});

test('a mask that is a graph output agrees if both graphs have the same infinities', async (t) => {
  const model = attention();
  const graph = graphOf(model);
  const masked = makeValueInfo('masked', elementType.float32, undefined);
  const cwd = workplace(copyWith(model, { graph: copyWith(graph, { output: [...graph.output, masked] }) }));
  const { code, stderr } = await int8(cwd, '--min_agreement', '20', '--output_nodes', 'predictions/Softmax');
  t.is(code, 0, stderr);
});

test('histograms record infinities, for thresholds of another method', async (t) => {
  const cwd = workplace(attention());
  const counting = ['--cal_histogram_file', 'h.bin'];
  t.is((await int8(cwd, '--cal_algorithm', 'MinMax', ...counting)).code, 0);
  const whole = scalesIn(cwd);
  const again = await int8(
    cwd,
    '-o',
    'b.etlt',
    '--cal_cache_file',
    'b.bin',
    '--cal_algorithm',
    'MinMax',
    ...counting,
  );
  t.is(again.code, 0, again.stderr);
  t.regex(
    again.stderr,
    /\[WARNING\].* Infinite, and so without scales; what reads them stays float: masked\./,
  );
  t.deepEqual(parseCalibrationCache(readFileSync(join(cwd, 'b.bin'), 'utf8')).scales, whole);
});

test('an infinite tensor that a convolution reads fails the calibration, and --keep_float is the remedy', async (t) => {
  const cwd = workplace(divided());
  const refused = await int8(cwd);
  t.is(refused.code, failures.CalibrationFailed.exitCode, refused.stderr);
  t.regex(
    refused.stderr,
    /tensor infinite became infinite on \S+, and it needs a scale, since read would .*--keep_float: read\)/,
  );
  const kept = await int8(cwd, '--keep_float', 'read');
  t.is(kept.code, 0, kept.stderr);
});
