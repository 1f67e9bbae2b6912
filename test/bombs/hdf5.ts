/** HDF5 files of a few kilobytes that claim gigabytes, or have cyclic groups. */
import { readFileSync, writeFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { type Dataset, File, ready } from 'h5wasm/node';
import { batchGroup, soleArray } from '../../src/formats/hdf5/tensorfile-layout.ts';
import { zeros } from './zeros.ts';

const writeFile = async (path: string, write: (file: File) => void): Promise<string> => {
  await ready;
  const file = new File(path, 'w');
  write(file);
  file.close();
  return path;
};

/** A tensorfile of one batch whose group contains itself. */
export const groupInItself = (path: string): Promise<string> =>
  writeFile(path, (file) => {
    file.create_attribute('count', 1, [], '<q');
    file.create_group(batchGroup(0)).create_hard_link(`/${batchGroup(0)}`, 'again');
  });

/** 40 groups, each with two links to the next one: 2^40 paths without a cycle. */
export const manyPaths = (path: string): Promise<string> =>
  writeFile(path, (file) => {
    file.create_attribute('count', 1, [], '<q');
    let at = `/${batchGroup(0)}`;
    file.create_group(at);
    for (let level = 0; level < 40; level++, at += '/a') {
      const group = file.get(at) as ReturnType<typeof file.create_group>;
      group.create_group('a');
      group.create_hard_link(`${at}/a`, 'b');
    }
  });

const side = 32_768;

/** A Dense layer whose array of side × side is declared, but not stored. */
export const denseWithoutData = (path: string, units = side): Promise<string> =>
  writeFile(path, (file) => {
    const layer = (className: string, name: string, config: object, from: readonly string[]) => ({
      class_name: className,
      name,
      config: { name, ...config },
      inbound_nodes: from.length === 0 ? [] : [from.map((each) => [each, 0, 0, {}])],
    });
    const network = {
      class_name: 'Model',
      config: {
        name: 'model_1',
        layers: [
          layer('InputLayer', 'input_1', { batch_input_shape: [null, units] }, []),
          layer('Dense', 'predictions', { units, use_bias: false, activation: 'softmax' }, ['input_1']),
        ],
        input_layers: [['input_1', 0, 0]],
        output_layers: [['predictions', 0, 0]],
      },
    };
    file.create_attribute('model_config', JSON.stringify(network));
    file.create_attribute('keras_version', '2.15.0');
    file.create_attribute('backend', 'tensorflow');
    const group = file.create_group('model_weights').create_group('predictions');
    group.create_attribute('weight_names', ['predictions/kernel:0'], [1]);
    group.create_group('predictions');
    const name = 'predictions/kernel:0';
    const data = new Float32Array(1);
    group.create_dataset({
      name,
      data,
      shape: [1, 1],
      maxshape: [units, units],
      chunks: [64, 64],
      dtype: '<f',
    });
    (group.get(name) as Dataset).resize([units, units]);
  });

const pixels = 3 * 32 * 32;
const batchSize = 8;

/** A tensorfile whose only chunk inflates to 1 GiB instead of the 96 KiB of its shape. */
export const inflatingChunk = async (path: string): Promise<string> => {
  // Random bytes do not compress, so their place is large enough for the hostile stream.
  const data = Float32Array.from({ length: 16 * batchSize * pixels }, (_, i) => Math.fround(Math.sin(i) * i));
  const shape = [16 * batchSize, 3, 32, 32];
  await writeFile(path, (file) => {
    file.create_attribute('count', 1, [], '<q');
    const group = file.create_group(batchGroup(0));
    const options = { chunks: [...shape], compression: 'gzip' as const, compression_opts: 4 };
    group.create_dataset({ name: soleArray, data, shape, ...options });
  });
  const bytes = readFileSync(path);
  bytes.set(zeros(1024), chunkIn(bytes, data.byteLength));
  writeFileSync(path, bytes);
  return path;
};

/** Finds the offset of the chunk's stream. */
const chunkIn = (bytes: Buffer, inflated: number): number => {
  for (let at = bytes.indexOf(0x78); at >= 0; at = bytes.indexOf(0x78, at + 1))
    if (bytes.readUInt16BE(at) % 31 === 0 && inflatesTo(bytes.subarray(at), inflated)) return at;
  throw new Error('found no chunk');
};

const inflatesTo = (bytes: Uint8Array, length: number): boolean => {
  try {
    return inflateSync(bytes, { maxOutputLength: length }).length === length;
  } catch {
    return false;
  }
};
