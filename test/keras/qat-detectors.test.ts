/**
 * Detectors trained with quantisation, as TLT's QAT writes them: a QDQ after the input and after every layer, except
 * after convolutions before their normalisation and in the heads. Each exporter has its own rules for the ranges.
 */
import test from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { openModel } from '../../src/export/models/open-model.ts';
import { buildTrainedScales } from '../../src/export/pipeline/trained-scales.ts';
import { parseCalibrationCache } from '../../src/formats/scales/calibration-cache.ts';
import type { DetectorArchitecture } from '../../src/graph/keras/detectors/detector.ts';
import { isQatNetwork } from '../../src/graph/keras/dialect.ts';
import { aDetectorSpec } from './detectors.ts';
import { aLayer, aNetwork, anInput, type Weights, writeKeras } from './fixtures.ts';

type Made = {
  readonly layers: ReturnType<typeof aLayer>[];
  readonly weights: Record<string, Weights[string]>;
};

/** Consecutive layers, each with the name by which the next one refers to it. */
class Network {
  readonly #made: Made = { layers: [], weights: {} };
  #factor = 0;

  constructor(input: string, shape: readonly number[]) {
    this.#made.layers.push(anInput(shape, input));
  }

  add(className: string, name: string, from: string | readonly string[], config: object = {}): string {
    this.#made.layers.push(aLayer(className, name, { config, from: [from].flat() }));
    return name;
  }

  weigh(name: string, arrays: Weights[string]): void {
    this.#made.weights[name] = arrays;
  }

  /** The n-th QDQ has range n. */
  qdq(from: string): string {
    this.#factor += 1;
    this.weigh(`${from}_qdq`, { scaling_factor: this.#factor });
    return this.add('QDQ', `${from}_qdq`, from, { bitwidth: 8 });
  }

  conv(name: string, from: string, { size = 1, inward = 3, filters = 4, quantised = true } = {}): string {
    this.weigh(name, { kernel: [size, size, inward, filters], bias: [filters] });
    const config = {
      filters,
      kernel_size: [size, size],
      data_format: 'channels_first',
      quantize: false,
      bitwidth: 8,
    };
    return this.add(quantised ? 'QuantizedConv2D' : 'Conv2D', name, from, config);
  }

  relu(name: string, from: string): string {
    return this.qdq(this.add('ReLU', name, from, { max_value: 6 }));
  }

  upsampled(name: string, from: string): string {
    return this.qdq(this.add('UpSampling2D', name, from, { size: [2, 2], data_format: 'channels_first' }));
  }

  /** Offsets, scores and anchors of one map, as at the end of ssd and retinanet. */
  anchored(from: string, className: string): void {
    const boxes = { data_format: 'channels_first' };
    const rows = (name: string, size: number) => {
      const predictions = this.conv(`ssd_${name}`, from, { inward: 4, filters: size, quantised: false });
      const moved = this.add('Permute', `${name}_permute`, predictions, { dims: [2, 3, 1], ...boxes });
      return this.add('Reshape', `mbox_${name}`, moved, { target_shape: [-1, 1, size] });
    };
    const loc = rows('loc', 4);
    const conf = rows('conf', 3);
    const softmax = this.add('Softmax', 'mbox_conf_softmax', conf, { axis: -1 });
    const anchors = this.add(className, 'anchors', 'ssd_loc', {
      ...{ img_height: 8, img_width: 8, this_scale: 0.2, next_scale: 0.4, n_anchor_levels: 1 },
      ...{ aspect_ratios: [1], two_boxes_for_ar1: false, variances: [0.1, 0.1, 0.2, 0.2] },
    });
    const prior = this.add('Reshape', 'mbox_priorbox', anchors, { target_shape: [-1, 1, 8] });
    this.add('Concatenate', 'ssd_predictions', [softmax, loc, prior], { axis: -1 });
  }

  /** Two regions of each image, with the wrapped layers of a second stage. */
  regions(features: string): void {
    const inside = (name: string, className: string, from: string, config: object) =>
      this.add('TimeDistributed', name, from, {
        layer: { class_name: className, config: { name: 'inner', ...config } },
      });
    const image = this.#made.layers[0]!.name;
    for (const [name, filters] of [
      ['rpn_out_class', 6],
      ['rpn_out_regress', 24],
    ] as const)
      this.conv(name, features, { inward: 4, filters, quantised: false });
    const proposal = this.add('Proposal', 'proposal_1', ['rpn_out_class', 'rpn_out_regress', image], {
      std_scaling: 1,
    });
    const cuts = this.add('CropAndResize', 'crop_and_resize_1', [features, proposal, image], {
      pool_size: 7,
    });
    this.weigh('time_distributed_1', { kernel: [1, 1, 4, 4], bias: [4] });
    const config = { filters: 4, kernel_size: [1, 1], data_format: 'channels_first', quantize: false };
    const conv = inside('time_distributed_1', 'QuantizedConv2D', this.qdq(cuts), config);
    const pool = inside('time_distributed_2', 'AveragePooling2D', this.relu('block_4a_relu', conv), {
      ...{ pool_size: [7, 7], data_format: 'channels_first' },
    });
    const flat = inside('time_distributed_flatten', 'Flatten', this.qdq(pool), {
      data_format: 'channels_first',
    });
    const last = this.qdq(flat);
    for (const [name, units] of [
      ['dense_class_td', 3],
      ['dense_regress_td', 8],
    ] as const) {
      this.weigh(name, { kernel: [4, units], bias: [units] });
      inside(name, 'Dense', last, { units, activation: 'linear' });
    }
  }

  write(): Promise<string> {
    return writeKeras({
      network: aNetwork(...this.#made.layers),
      weights: this.#made.weights,
      version: '2.2.4',
    });
  }
}

/** The cache's scales times 127, and the JSON's ranges. */
const rangesOf = async (network: Network, architecture: DetectorArchitecture) => {
  const spec = parseExperimentSpec(aDetectorSpec(architecture), { file: 'spec', architecture });
  const opened = await openModel({ path: await network.write(), key: '', architecture, spec });
  const { cache, json } = buildTrainedScales(opened, { architecture, tensorRtVersion: '8.6.1' });
  const { scales } = parseCalibrationCache(cache);
  return {
    cache: Object.fromEntries(
      [...scales].map(([name, scale]) => [name, Math.round(scale * 127 * 1e6) / 1e6]),
    ),
    json: JSON.parse(json).tensor_scales as Record<string, number>,
  };
};

for (const architecture of ['ssd', 'dssd'] as const)
  test(`${architecture}: input and activations have ranges, padding has none`, async (t) => {
    const network = new Network('Input', [3, 8, 8]);
    const padded = network.add('ZeroPadding2D', 'pad', network.qdq('Input'), {
      ...{
        padding: [
          [1, 1],
          [1, 1],
        ],
        data_format: 'channels_first',
      },
    });
    const first = network.relu('relu_1', network.conv('conv_1', network.qdq(padded), { size: 3 }));
    network.anchored(first, 'AnchorBoxes');
    const expected = { Input: 1, 'relu_1/Relu6': 3 };
    t.deepEqual(await rangesOf(network, architecture), { cache: expected, json: expected });
  });

test('retinanet: upsampled tensors appear only in the JSON, under the name of their layer', async (t) => {
  const network = new Network('Input', [3, 8, 8]);
  const first = network.relu('relu_1', network.conv('conv_1', network.qdq('Input')));
  const up = network.upsampled('P5_upsampled', first);
  const high = network.upsampled('P4_upsampled', up);
  const sum = network.qdq(network.add('Add', 'P3_merged', [high, high]));
  network.anchored(sum, 'RetinaAnchorBoxes');
  const cache = { Input: 1, 'relu_1/Relu6': 2, 'P3_merged/add': 5 };
  t.deepEqual(await rangesOf(network, 'retinanet'), {
    cache,
    json: { ...cache, P5_upsampled: 3, P4_upsampled: 4 },
  });
});

test('yolo: upsampled and concatenated tensors have ranges', async (t) => {
  const network = new Network('Input', [3, 8, 8]);
  const first = network.relu('relu_1', network.conv('conv_1', network.qdq('Input')));
  const up = network.upsampled('upsample0', first);
  const joined = network.qdq(network.add('Concatenate', 'concatenate_1', [up, up], { axis: 1 }));
  const head = network.conv('conv_big_object', joined, { inward: 8, filters: 7, quantised: false });
  const anchors = network.add('YOLOAnchorBox', 'bg_anchor', head, { anchor_size: [[0.1, 0.2]] });
  const moved = network.add('Permute', 'bg_permute', head, { dims: [2, 3, 1] });
  const predictions = network.add('Reshape', 'bg_reshape', moved, { target_shape: [-1, 7] });
  const row = network.add('Concatenate', 'encoded_bg', [anchors, predictions], { axis: -1 });
  network.add('Concatenate', 'encoded_detections', [row, row], { axis: -2 });
  const expected = {
    Input: 1,
    'relu_1/Relu6': 2,
    'upsample0/ResizeNearestNeighbor': 3,
    'concatenate_1/concat': 4,
  };
  t.deepEqual(await rangesOf(network, 'yolo'), { cache: expected, json: expected });
});

test('faster_rcnn: crops of regions and wrapped layers have ranges', async (t) => {
  const network = new Network('input_image', [3, 32, 32]);
  const first = network.relu('relu_1', network.conv('conv_1', network.qdq('input_image')));
  network.regions(first);
  const expected = {
    input_image: 1,
    'relu_1/Relu6': 2,
    'crop_and_resize_1/Reshape_1': 3,
    'crop_and_resize_1/regions': 3,
    'block_4a_relu/Relu6': 4,
    'time_distributed_2/AvgPool': 5,
    'time_distributed_flatten/Reshape_1': 6,
  };
  t.deepEqual(await rangesOf(network, 'faster_rcnn'), { cache: expected, json: expected });
});

test('a QAT layer in a wrapper marks its network as trained with quantisation', (t) => {
  const inner = (class_name: string) => ({ layer: { class_name, config: { name: 'inner' } } });
  const wrapped = (className: string) =>
    aNetwork(anInput(), aLayer('TimeDistributed', 'td', { config: inner(className), from: ['input_1'] }));
  t.true(isQatNetwork(wrapped('QuantizedDense')));
  t.false(isQatNetwork(wrapped('Dense')));
});
