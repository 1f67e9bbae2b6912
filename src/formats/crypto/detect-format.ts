/** What a file is, judged by its bytes; names and extensions are not asked. */

import type { Readable } from '../../ground/base/readable.ts';
import { fieldsOf } from '../onnx/damage.ts';
import { histogramMagic } from '../scales/histogram-file.ts';
import { ageMagic } from './age-passphrase.ts';

/**
 * `tlt`, `etlt`: this project's encrypted containers. `foreign`: no readable structure, as NVIDIA's own cipher leaves
 * it. `onnx` includes files that begin as ONNX and are cut short. `uff`: TensorRT's older graphs, what TLT 2.0 put into
 * most `.etlt`. `engine`: a serialized TensorRT engine. `histograms`: what a calibration counted.
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

/** Enough to know age's files by, behind the longest prefix. */
export const startBytes = 4096;

/** By the beginning alone: sure of all but `onnx` in an unusual order, `unknown` and `foreign`. */
export const formatAtStart = (file: Readable): FileFormat => detectFormat(file.read(0, startBytes));

/** The same of a file that may be large: its beginning is enough for most. */
export const formatIn = (file: Readable): FileFormat => {
  const format = formatAtStart(file);
  return format === 'unknown' || format === 'foreign' ? detectFormat(file.whole()) : format;
};

/** The plain part of an `.etlt`, as DeepStream reads it: int32 little-endian length, then the input node's name. */
export type EtltPrefix = {
  /** Empty for an ONNX payload. */
  readonly inputName: string;
  /** Offset of the encrypted payload. */
  readonly payloadAt: number;
};

/** Longer names than this are noise that was taken for a length. */
export const inputNameLimitBytes = 1024;

/** The prefix, or undefined where the bytes cannot be one. */
export const parsePrefix = (bytes: Uint8Array): EtltPrefix | undefined => {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  const payloadAt = 4 + length;
  if (length < 0 || length > inputNameLimitBytes || payloadAt > bytes.length) return undefined;
  try {
    const inputName = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(4, payloadAt),
    );
    return /\p{Cc}/u.test(inputName) ? undefined : { inputName, payloadAt };
  } catch {
    return undefined; // not UTF-8: no name
  }
};

/** `vtrt` begins an engine of TensorRT for RTX 1.7; the others are said of classic TensorRT and were not seen here. */
const engineMagics = ['vtrt', 'ftrt', 'ptrt'];

const startsWith = (bytes: Uint8Array, text: string): boolean =>
  latin1(bytes.subarray(0, text.length)) === text;

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const looksLikeCache = (bytes: Uint8Array): boolean => {
  const start = latin1(bytes.subarray(0, 64));
  return start.startsWith('TRT-') || /^1\r?\n[^\n]*: /.test(start);
};

/** The IR version first (what every exporter writes), or a walk over the whole that finds a graph and nothing odd. */
const looksLikeOnnx = (bytes: Uint8Array): boolean => {
  const [tag, version = 0, next = 0x12] = bytes;
  if (tag === 0x08 && version > 0 && version < 32 && topLevelTags.has(next)) return true;
  const { numbers, complete } = fieldsOf(bytes);
  return complete && numbers.includes(graphField);
};

const graphField = 7;
/** Tag bytes of ModelProto's fields, IR version aside: producer name and version, domain, model version, doc, graph, opset, … */
const topLevelTags: ReadonlySet<number> = new Set([0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72]);

/** MetaGraph of uff.proto: two small version numbers (1, 2), then a descriptor (3) or a graph (4). */
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

/** Random octets: a sample of n shows log2(n) - 0.8 bits or more each up to 7.4; text and machine code show far less. */
const isNoise = (bytes: Uint8Array): boolean => {
  const sample = bytes.subarray(0, 4096);
  if (sample.length < 256 || compressed.some((magic) => startsWith(bytes, magic))) return false;
  if (latin1(sample).includes(ageMagic)) return false;
  return entropyOf(sample) > Math.min(7.4, Math.log2(sample.length) - 1);
};

/** Shannon entropy in bits an octet. */
const entropyOf = (bytes: Uint8Array): number => {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]! += 1;
  return counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / bytes.length) * Math.log2(count / bytes.length)),
    0,
  );
};
