/** Readers of binary files: encrypted models, tensorfiles, histograms, TFRecords, images. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { Histogram } from '../../src/calibration/histograms/histogram.ts';
import { allThresholds } from '../../src/calibration/histograms/thresholds.ts';
import { decryptModel } from '../../src/formats/crypto/encrypted-model.ts';
import { readHdf5Contents } from '../../src/formats/hdf5/hdf5-contents.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { parseHistogramFile, writeHistogramFile } from '../../src/formats/scales/histogram-file.ts';
import { parseExample } from '../../src/formats/tfrecord/example.ts';
import { countRecords, indexRecords, readRecord } from '../../src/formats/tfrecord/tfrecord.ts';
import { collect } from '../builders/collected.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { histogramOf } from '../builders/histogram.ts';
import { decodePixels } from '../builders/pixels.ts';
import { exampleBytes, tfrecordBytes } from '../formats/tfrecord-bytes.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { mutateBytes } from './mutate.ts';
import type { Target } from './targets.ts';
import { asFile } from './targets-graph.ts';

const key = 'a key';

/** A small work factor, so that a damaged model is refused within milliseconds. */
const locked = async (): Promise<readonly Uint8Array[]> => {
  const payload = (await smallClassifier()).subarray(0, 4096);
  const options = { workFactor: 2 };
  return [
    await encryptTlt(payload, key, options),
    await encryptEtlt(payload, key, options),
    await encryptEtlt(payload, key, { ...options, inputName: 'input_1' }),
  ];
};

const shape = [4, 3, 8, 8] as const;
async function* twoBatches() {
  const data = Float32Array.from({ length: 4 * 3 * 8 * 8 }, (_, i) => Math.sin(i));
  for (let batch = 0; batch < 2; batch++) yield { data, dims: shape, paths: [] };
}

const tensorfile = async (): Promise<readonly Uint8Array[]> => {
  const path = join(mkdtempSync(join(tmpdir(), 'tlt-fuzz-seed-')), 'seed.tensor');
  await writeTensorfile(path, twoBatches());
  return [new Uint8Array(readFileSync(path))];
};

const histograms = async (): Promise<readonly Uint8Array[]> => {
  const values = Float32Array.from({ length: 300 }, (_, i) => Math.tan(i));
  const sample = { dataSha256: 'ab'.repeat(32), seed: 1, drawn: 8, part: 1, of: 1, images: 8, consumed: 0 };
  const counted = new Map([
    ['input_1', histogramOf(values)],
    ['conv1', histogramOf(values.map(Math.abs))],
  ]);
  const file = writeHistogramFile({ modelSha256: 'cd'.repeat(32), samples: [sample], histograms: counted });
  return [new Uint8Array(inflateSync(file.subarray(16)))];
};

const inHistogramFrame = (content: Uint8Array): Uint8Array => {
  const body = deflateSync(content, { level: 1 });
  const header = Buffer.alloc(16);
  header.write('tlt-hist', 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(crc32(body), 12);
  return new Uint8Array(Buffer.concat([header, body]));
};

const record = exampleBytes({
  'frame/id': 'kitti/000001',
  'frame/height': [375],
  'target/object_class': 'car',
});

const pictures = async (): Promise<readonly Uint8Array[]> => {
  const pixels = Buffer.from(Uint8Array.from({ length: 16 * 12 * 3 }, (_, i) => i * 37));
  const image = () => sharp(pixels, { raw: { width: 16, height: 12, channels: 3 } });
  const made = [
    image().jpeg(),
    image().png(),
    image().png({ palette: true }),
    image().webp(),
    image().tiff(),
    image().gif(),
  ];
  return Promise.all(made.map(async (each) => new Uint8Array(await each.toBuffer())));
};

export const binaryTargets: Readonly<Record<string, Target>> = {
  '.tlt and .etlt': { seeds: locked, mutate: mutateBytes, read: (bytes) => decryptModel(bytes, key) },
  'HDF5 tensorfile': {
    seeds: tensorfile,
    isOpaque: true,
    mutate: mutateBytes,
    read: (bytes, folder) =>
      asFile(bytes, folder, async (path) => {
        await readHdf5Contents(path);
        const request = { channels: 3, height: 8, width: 8, batches: 2, batchSize: 4, rows: 3 };
        await collect(readTensorfileBatches(path, request));
      }),
  },
  'histogram file and its thresholds': {
    seeds: histograms,
    mutate: mutateBytes,
    wrap: inHistogramFrame,
    read: (bytes) =>
      [...parseHistogramFile(bytes).histograms.values()].map((each) =>
        allThresholds(new Histogram(each, each)),
      ),
  },
  'frames of TFRecords': {
    seeds: async () => [new Uint8Array(tfrecordBytes([record, record, new Uint8Array()]))],
    mutate: mutateBytes,
    read: (bytes, folder) =>
      asFile(bytes, folder, async (path) => {
        const file = await indexRecords(path);
        for (let each = 0; each < countRecords(file); each++)
          parseExample(await readRecord(file, each), path);
      }),
  },
  'Example of a TFRecord': {
    seeds: async () => [record],
    mutate: mutateBytes,
    read: (bytes) => parseExample(bytes, 'record 0'),
  },
  pictures: {
    seeds: pictures,
    isOpaque: true,
    mutate: mutateBytes,
    read: (bytes) => decodePixels({ path: 'picture', bytes }),
  },
};
