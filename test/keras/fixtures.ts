/**
 * Keras models of test/fixtures/keras, and files written for one test. test/models contains the scripts of the former.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type Dataset, File, Group, ready } from 'h5wasm/node';
import { withKerasFile } from '../../src/formats/hdf5/keras-file.ts';
import { type ImportedModel, type ImportOptions, importKeras } from '../../src/graph/keras/import.ts';

export const kerasFolder = join(import.meta.dirname, '..', 'fixtures', 'keras');
export const kerasPath = (name: string): string => join(kerasFolder, `${name}.hdf5`);
export const kerasBytes = (name: string): Uint8Array => readFileSync(kerasPath(name));

export const imported = (path: string, options?: ImportOptions): Promise<ImportedModel> =>
  withKerasFile({ path }, (file) => importKeras(file, options));

export type Values = { readonly data: Float32Array; readonly dims: readonly number[] };

/** The largest difference, relative to the range of the expected values. */
export const difference = (found: Values, expected: Values): number => {
  const [low, high] = [Math.min, Math.max].map((of) => expected.data.reduce((a, b) => of(a, b)));
  const apart = found.data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i]!)), 0);
  return apart / (high! - low!);
};

export type ExpectedDetector = {
  readonly input: Values;
  /** Predictions of the trained network. */
  readonly raw: readonly Values[];
  /** Outputs of the plugins for them, in the order of the graph's outputs. */
  readonly end: readonly Values[];
};

/** Reference of a detector made by make_keras_detectors.py. */
export const expectedDetector = async (name: string): Promise<ExpectedDetector> => {
  await ready;
  const file = new File(join(kerasFolder, 'detectors.h5'), 'r');
  try {
    const group = file.get(name) as Group;
    const named = (start: string) =>
      group
        .keys()
        .filter((key) => key.startsWith(start))
        .map((key) => valuesOf(group.get(key) as Dataset));
    return { input: named('input')[0]!, raw: named('raw_'), end: named('end_') };
  } finally {
    file.close();
  }
};

/** Inputs and outputs of Keras. */
export const expectedOf = async (
  name: string,
  from = 'expected.h5',
): Promise<{ readonly input: Values; readonly outputs: Values[] }> => {
  await ready;
  const file = new File(join(kerasFolder, from), 'r');
  try {
    const group = file.get(name) as Group;
    const values = (key: string): Values => {
      const array = group.get(key) as Dataset;
      return { data: array.value as Float32Array, dims: array.shape! };
    };
    const outputs = group.keys().filter((key) => key.startsWith('output_'));
    return { input: values('input'), outputs: outputs.map(values) };
  } finally {
    file.close();
  }
};

/** The arrays in a model file, by name. */
export const arraysIn = async (path: string): Promise<Map<string, Values>> => {
  await ready;
  const file = new File(path, 'r');
  const found = new Map<string, Values>();
  const visit = (group: Group) => {
    for (const key of group.keys()) {
      const entity = group.get(key);
      if (entity instanceof Group) visit(entity);
      else found.set(key, valuesOf(entity as Dataset));
      if (!(entity instanceof Group))
        found.set(`${group.path.split('/').at(-1)}/${key}`, valuesOf(entity as Dataset));
    }
  };
  visit(file.get('model_weights') as Group);
  file.close();
  return found;
};

const valuesOf = (array: Dataset): Values => {
  const { value } = array;
  return { data: value instanceof Float32Array ? value : Float32Array.of(Number(value)), dims: array.shape! };
};

const folder = mkdtempSync(join(tmpdir(), 'keras-'));
// Half a gigabyte in the longest file of tests.
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;
/** A new name: HDF5 reads from an open file if it gets the same name again. */
export const newPath = (): string => join(folder, `${files++}.hdf5`);

/** Arrays of a layer: name → shape, with counting values; or the value of an array without a shape. */
export type Weights = Readonly<Record<string, Readonly<Record<string, readonly number[] | number>>>>;

export type MadeFile = {
  /** The `model_config`. Text is written unchanged; undefined is not written. */
  readonly network?: unknown;
  readonly weights?: Weights;
  readonly version?: string;
};

/** Writes a Keras file with HDF5 and returns its path. */
export const writeKeras = async ({
  network,
  weights = {},
  version = '2.15.0',
}: MadeFile): Promise<string> => {
  await ready;
  const path = newPath();
  const file = new File(path, 'w');
  const text = typeof network === 'string' ? network : JSON.stringify(network);
  if (network !== undefined) file.create_attribute('model_config', text);
  file.create_attribute('keras_version', version);
  file.create_attribute('backend', 'tensorflow');
  const all = file.create_group('model_weights');
  for (const [layer, arrays] of Object.entries(weights)) {
    const group = all.create_group(layer);
    const names = Object.keys(arrays).map((name) => `${layer}/${name}:0`);
    group.create_attribute('weight_names', names.length === 0 ? new Float64Array() : names, [names.length]);
    if (names.length > 0) group.create_group(layer);
    for (const [name, options] of Object.entries(arrays)) {
      const shape = typeof options === 'number' ? [] : options;
      const count = shape.reduce((product, size) => product * size, 1);
      const data = typeof options === 'number' ? Float32Array.of(options) : countingUp(count);
      group.create_dataset({ name: `${layer}/${name}:0`, data, shape: [...shape], dtype: '<f' });
    }
  }
  file.close();
  return path;
};

/** A loop, because `from` with a function takes ten times as long, and models may have millions of weights. */
const countingUp = (count: number): Float32Array => {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = (i + 1) / count;
  return values;
};

/** A layer of a functional network in Keras 2's format. */
export const aLayer = (
  class_name: string,
  name: string,
  { config = {}, from = [] }: { readonly config?: object; readonly from?: readonly unknown[] } = {},
) => ({
  class_name,
  name,
  config: { name, ...config },
  inbound_nodes:
    from.length === 0 ? [] : [from.map((each) => (typeof each === 'string' ? [each, 0, 0, {}] : each))],
});

export const anInput = (shape: readonly (number | null)[] = [8, 8, 3], name = 'input_1') =>
  aLayer('InputLayer', name, { config: { batch_input_shape: [null, ...shape] } });

/** A functional network from its first layer to its last. */
export const aNetwork = (...layers: readonly ReturnType<typeof aLayer>[]) => ({
  class_name: 'Model',
  config: {
    name: 'model_1',
    layers,
    input_layers: [[layers[0]!.name, 0, 0]],
    output_layers: [[layers.at(-1)!.name, 0, 0]],
  },
});
