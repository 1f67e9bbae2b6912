/** Detects what a file is from its bytes; file names are ignored. */

import type { Readable } from '../../ground/base/readable.ts';
import { scanFields } from '../onnx/damage.ts';
import { histogramMagic } from '../scales/histogram-file.ts';
import { ageMagic } from './age-passphrase.ts';
import { parsePrefix } from './etlt-prefix.ts';

/**
 * `tlt`, `etlt`: this project's encrypted containers. `foreign`: bytes without structure, such as the output of
 * NVIDIA's cipher. `onnx`: ONNX, also if truncated. `uff`: TensorRT's older graph format, the content of most TLT 2.0
 * `.etlt` files. `engine`: a serialized TensorRT engine. `histograms`: histograms of a calibration pass.
 */
export type FileFormat =
  | 'tlt'
  | 'etlt'
  | 'foreign'
  | 'onnx'
  | 'hdf5'
  | 'uff'
  | 'calibration-cache'
  | 'histograms'
  | 'engine'
  | 'unknown';

/** Detects the format from the whole file. For a large file use `detectFileFormat`. */
export const detectFormat = (bytes: Uint8Array): FileFormat => {
  if (startsWith(bytes, 'age-')) return 'tlt';
  if (startsWith(bytes, '\x89HDF\r\n\x1a\n')) return 'hdf5';
  if (engineMagics.some((magic) => startsWith(bytes, magic))) return 'engine';
  if (startsWith(bytes, histogramMagic)) return 'histograms';
  if (looksLikeCache(bytes)) return 'calibration-cache';
  const prefix = parsePrefix(bytes);
  if (prefix && startsWith(bytes.subarray(prefix.payloadAt), 'age-')) return 'etlt';
  if (looksLikeOnnx(bytes)) return 'onnx';
  if (looksLikeUff(bytes)) return 'uff';
  return isNoise(bytes.subarray(prefix?.payloadAt ?? 0)) ? 'foreign' : 'unknown';
};

/** Bytes that contain the age magic behind the longest possible `.etlt` prefix. */
export const startBytes = 4096;

/**
 * Detects the format from the first bytes. Final for every format but `unknown`, `foreign` and ONNX with an unusual
 * field order.
 */
const detectFormatAtStart = (file: Readable): FileFormat => detectFormat(file.read(0, startBytes));

/** Detects the format, and reads the whole file only if its first bytes do not decide. */
export const detectFileFormat = (file: Readable): FileFormat => {
  const format = detectFormatAtStart(file);
  return format === 'unknown' || format === 'foreign' ? detectFormat(file.whole()) : format;
};

/** `vtrt`: TensorRT for RTX 1.7, verified. The others are documented for classic TensorRT and are not verified. */
const engineMagics = ['vtrt', 'ftrt', 'ptrt'];

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  latin1(bytes.subarray(0, text.length)) === text;

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const looksLikeCache = (bytes: Uint8Array): boolean => {
  const start = latin1(bytes.subarray(0, 64));
  return start.startsWith('TRT-') || /^1\r?\n[^\n]*: /.test(start);
};

/**
 * True if the IR version comes first, as every exporter writes it, or if all top-level fields parse and one of them is
 * a graph.
 */
const looksLikeOnnx = (bytes: Uint8Array): boolean => {
  const [tag, version = 0, next = 0x12] = bytes;
  if (tag === 0x08 && version > 0 && version < 32 && topLevelTags.has(next)) return true;
  const { numbers, complete } = scanFields(bytes);
  return complete && numbers.includes(graphField);
};

const graphField = 7;
/** Tag bytes of ModelProto's other fields: producer name and version, domain, model version, doc, graph, opset, … */
const topLevelTags: ReadonlySet<number> = new Set([0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72]);

/** MetaGraph in uff.proto: two small version numbers (fields 1 and 2), then a descriptor (3) or a graph (4). */
const looksLikeUff = ([tag, version = 128, next, core = 128, then]: Uint8Array): boolean =>
  tag === 0x08 && version < 128 && next === 0x10 && core < 128 && (then === 0x1a || then === 0x22);

const compressed = [
  'PK\x03\x04',
  '\x1f\x8b',
  '\x28\xb5\x2f\xfd',
  '\x89PNG',
  '\xff\xd8\xff',
  'BZh',
  '\xfd7zXZ',
  '%PDF',
  '\x7fELF',
];

/**
 * Ciphertext looks random: n random bytes have at least log2(n) - 0.8 bits of entropy per byte, up to 7.4. Text and
 * machine code have far less.
 */
const isNoise = (bytes: Uint8Array): boolean => {
  const sample = bytes.subarray(0, 4096);
  if (sample.length < 256 || compressed.some((magic) => startsWith(bytes, magic))) return false;
  if (latin1(sample).includes(ageMagic)) return false;
  return entropyOf(sample) > Math.min(7.4, Math.log2(sample.length) - 1);
};

/** Shannon entropy in bits per byte. */
const entropyOf = (bytes: Uint8Array): number => {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]! += 1;
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / bytes.length) * Math.log2(count / bytes.length)),
    0,
  );
};
