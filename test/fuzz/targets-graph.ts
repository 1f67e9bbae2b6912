/** Readers of networks (ONNX and Keras), and the transforms on them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeModel } from '../../src/adapters/inspect/describe-model.ts';
import { openKeras } from '../../src/export/models/keras-model.ts';
import { type KerasFile, type KerasWeight, withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { foldConstants, graphOf } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { importKeras } from '../../src/graph/keras/import.ts';
import { buildCalibrationGraph, int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { convertToHalf } from '../../src/graph/precision/half.ts';
import { convertPlugins } from '../../src/graph/precision/precision.ts';
import { peelQat } from '../../src/graph/precision/qat.ts';
import { computeTrainedRanges } from '../../src/graph/precision/qat-ranges.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { loopWithoutEnd, statedBombs } from '../bombs/onnx.ts';
import { aLayer, aNetwork, anInput, kerasPath, writeKeras } from '../keras/fixtures.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { mutateBytes, mutateValues } from './mutate.ts';
import type { Target } from './targets.ts';

const scalesOf = (model: ReturnType<typeof parseModel>) =>
  new Map(['input_1', ...int8Activations(model)].map((name) => [name, 0.01] as const));

const quantised = async (): Promise<Uint8Array> => {
  const model = parseModel(await smallClassifier());
  return serializeModel(quantiseModel(model, scalesOf(model)));
};

const graphs = async (): Promise<readonly Uint8Array[]> => [
  await smallClassifier(),
  await quantised(),
  loopWithoutEnd(),
  ...Object.values(statedBombs).map((make) => make()),
];

/** Each file has its own name, because HDF5 reuses an open file of the same name. */
let files = 0;
export const asFile = async <T>(
  bytes: Uint8Array,
  folder: string,
  read: (path: string) => T,
): Promise<Awaited<T>> => {
  const path = join(folder, `${files++}`);
  writeFileSync(path, bytes);
  try {
    return await read(path);
  } finally {
    rmSync(path);
  }
};

const kerasNames = ['squeezenet', 'layers_last', 'more_keras3', 'detectnet_v2_qat', 'resnet'] as const;

/** A small network, because it is read many times, and libhdf5 starts for each file. */
const kerasFiles = async (): Promise<readonly Uint8Array[]> => {
  const small = await writeKeras({
    network: aNetwork(
      anInput(),
      aLayer('Conv2D', 'conv1', { config: { filters: 2, kernel_size: [3, 3] }, from: ['input_1'] }),
      aLayer('BatchNormalization', 'bn1', { from: ['conv1'] }),
      aLayer('Flatten', 'flatten', { from: ['bn1'] }),
      aLayer('Dense', 'predictions', { config: { units: 3, activation: 'softmax' }, from: ['flatten'] }),
    ),
    weights: {
      conv1: { kernel: [3, 3, 3, 2], bias: [2] },
      bn1: { gamma: [2], beta: [2], moving_mean: [2], moving_variance: [2] },
      predictions: { kernel: [72, 3], bias: [3] },
    },
  });
  return [small, kerasPath('alexnet')].map((path) => new Uint8Array(readFileSync(path)));
};

/** The arrays of the layers, read once. Only the network around them is damaged. */
const arrays = new Map<string, ReadonlyMap<string, readonly KerasWeight[]>>();
const networkOf = (name: string): Promise<Uint8Array> =>
  withKerasFile({ path: kerasPath(name) }, (file) => {
    const { config } = file.network as { config: { layers: { config: { name: string } }[] } };
    const names = config.layers.map((layer) => layer.config.name);
    arrays.set(name, new Map(names.map((layer) => [layer, readWeights(file, layer)])));
    const { kerasVersion, backend } = file;
    return new Uint8Array(
      Buffer.from(JSON.stringify({ name, kerasVersion, backend, network: file.network })),
    );
  });

const readWeights = (file: KerasFile, layer: string): readonly KerasWeight[] => {
  try {
    return file.weightsOf(layer).map(({ name, shape, chunks }) => {
      const values = [...chunks()];
      return { name, shape, chunks: () => values.values() as Generator<Float32Array> };
    });
  } catch {
    return []; // the layer has no arrays
  }
};

const importedNetwork = (bytes: Uint8Array): unknown => {
  const text = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const { name, network, kerasVersion = '2.15.0', backend } = text ?? {};
  const text_ = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const known = arrays.get(name) ?? [...arrays.values()][0];
  const weightsOf = (layer: string) => known?.get(layer) ?? [];
  return importKeras({ network, kerasVersion: text_(kerasVersion), backend: text_(backend), weightsOf });
};

export const graphTargets: Readonly<Record<string, Target>> = {
  'ONNX, described, folded, as a calibration graph': {
    seeds: graphs,
    mutate: mutateBytes,
    read: (bytes) => {
      const model = parseModel(bytes);
      describeModel(model);
      foldConstants(graphOf(model));
      return buildCalibrationGraph(model);
    },
  },
  'QAT scales, Q/DQ, fp16': {
    seeds: graphs,
    mutate: mutateBytes,
    read: (bytes) => {
      const model = parseModel(bytes);
      computeTrainedRanges(peelQat(model).pairs);
      quantiseModel(model, scalesOf(model));
      return convertPlugins('NonMaxSuppression', convertToHalf(model));
    },
  },
  'Keras HDF5': {
    seeds: kerasFiles,
    isOpaque: true,
    mutate: mutateBytes,
    read: (bytes, folder) => asFile(bytes, folder, (path) => openKeras({ path })),
  },
  'Keras model_config': {
    seeds: () => Promise.all(kerasNames.map(networkOf)),
    mutate: mutateValues,
    read: importedNetwork,
  },
};
