/**
 * Inputs of the golden artifacts: two networks, a tensorfile, pictures in class folders and a training's spec, all from
 * one seed. Weights and tensors are small multiples of 1/4, so each sum is exact in float32, in any order, and the
 * histograms depend on no processor's kernels.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { channels, input, Network, output, side } from '../builders/networks.ts';
import { specOf } from '../builders/training.ts';

/** Key file of the runs, beside the inputs. */
export const keyFile = 'key.txt';
export const networkNames = ['plain', 'residual'] as const;
export const kerasNames = ['resnet', 'mobilenet_v2', 'darknet', 'vgg'] as const;
export const quantisedName = 'detectnet_v2_qat';
export const tensorfile = 'quarters.tensor';
export const batch = { batches: 3, size: 4 } as const;

/** Numerical Recipes' generator: its constants must never change. */
const integers = (seed: number): ((below: number) => number) => {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
};

/** -1/2 to 1/2, in quarters. */
const quarters = (count: number, next: (below: number) => number): number[] =>
  Array.from({ length: count }, () => (next(5) - 2) / 4);

class Exact extends Network {
  readonly #next: (below: number) => number;

  constructor(seed: number) {
    super();
    this.#next = integers(seed);
  }

  exact(...dims: readonly number[]): string {
    return this.floats(
      dims,
      quarters(
        dims.reduce((product, size) => product * size, 1),
        this.#next,
      ),
    );
  }

  relu(from: string): string {
    return this.node('Relu', [from]);
  }

  pool(from: string, size: number): string {
    const ints = [size, size];
    return this.node('MaxPool', [from], { kernel_shape: { ints }, strides: { ints } });
  }

  /** Pool to 1 × 1, product to five classes. */
  classesOf(from: string): void {
    const flat = this.node('Flatten', [this.node('GlobalAveragePool', [this.pool(from, 4)])]);
    this.node('Gemm', [flat, this.exact(channels, 5), this.exact(5)], {}, [output]);
  }
}

const networks = {
  plain: () => {
    const network = new Exact(1);
    const first = network.relu(network.conv(input, network.exact(channels, 3, 3, 3)));
    const half = network.pool(first, 2);
    network.classesOf(network.relu(network.conv(half, network.exact(channels, channels, 3, 3))));
    return network.model();
  },
  residual: () => {
    const network = new Exact(2);
    const stem = network.relu(network.conv(input, network.exact(channels, 3, 3, 3)));
    const group = { group: { int: channels } };
    const depthwise = network.conv(stem, network.exact(channels, 1, 3, 3), group);
    const clipped = network.node('Clip', [depthwise, network.scalar(0), network.scalar(6)]);
    const point = network.conv(clipped, network.exact(channels, channels, 1, 1), {
      pads: { ints: [0, 0, 0, 0] },
    });
    network.classesOf(network.relu(network.node('Add', [point, stem])));
    return network.model();
  },
} as const satisfies Record<(typeof networkNames)[number], () => ReturnType<Network['model']>>;

async function* batchesOf() {
  const next = integers(3);
  const dims = [batch.size, 3, side, side] as const;
  for (let i = 0; i < batch.batches; i++)
    yield {
      dims,
      data: Float32Array.from({ length: batch.size * 3 * side * side }, () => (next(33) - 16) / 4),
      paths: [],
    };
}

/** Blocks of colour with noise, 40 to 60 pixels wide. */
const writePicture = (path: string, seed: number): Promise<unknown> => {
  const next = integers(seed);
  const [width, height] = [40 + next(21), 30 + next(21)];
  const colours = Array.from({ length: 48 }, () => next(224));
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return colours[(Math.floor(x / 15) * 4 + Math.floor(y / 13)) * 3 + (i % 3)]! + next(32);
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
};

const fixtures = join(import.meta.dirname, '../fixtures/keras');

/** Writes everything that the golden runs read into a folder. */
export const writeInputs = async (folder: string): Promise<void> => {
  writeFileSync(join(folder, keyFile), 'correct horse battery staple\n');
  for (const name of networkNames)
    writeFileSync(join(folder, `${name}.onnx`), serializeModel(networks[name]()));
  for (const name of [...kerasNames, quantisedName])
    cpSync(join(fixtures, `${name}.hdf5`), join(folder, `${name}.hdf5`));
  await writeTensorfile(join(folder, tensorfile), batchesOf());
  for (const [index, name] of ['train/a', 'train/b', 'val/a', 'val/b'].entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < 6; i++) await writePicture(join(folder, name, `${i}.png`), 10 * index + i);
  }
  writeFileSync(join(folder, 'spec.txt'), specOf('classification'));
};
