/** Detects what a file contains, and describes it: models, calibration caches, tensorfiles, experiment specs, engines. */
import { stat } from 'node:fs/promises';
import { describeZip } from '../../export/models/zipped-model.ts';
import { detectFileFormat, type FileFormat } from '../../formats/crypto/detect-format.ts';
import {
  type Cipher,
  type ContainerDescription,
  type DetectedFile,
  describeContainer,
  openDetected,
} from '../../formats/crypto/encrypted-model.ts';
import { parsePrefix } from '../../formats/crypto/etlt-prefix.ts';
import { type Hdf5Contents, readHdf5Contents } from '../../formats/hdf5/hdf5-contents.ts';
import { parseModel } from '../../formats/onnx/model.ts';
import { parseCalibrationCache } from '../../formats/scales/calibration-cache.ts';
import { type HistogramFile, parseHistogramFile } from '../../formats/scales/histogram-file.ts';
import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { KerasDescription } from '../../graph/keras/describe.ts';
import { digestOf, fileDigest, sha256 } from '../../ground/base/digest.ts';
import { readableBytes, readChunks } from '../../ground/base/readable.ts';
import { openInput, readInput } from '../cli/input-file.ts';
import { describeModel, type ModelDescription } from './describe-model.ts';
import { inspectKeras } from './inspect-keras.ts';
import { decodeSpecText, inspectSpec, type SpecDescription } from './inspect-spec.ts';

/** A file, as in `tlt-model inspect --json`. */
export type FileDescription = {
  readonly file: string;
  readonly format: FileFormat | 'experiment-spec';
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of a `.tlt` or `.etlt`; needs no key. */
  readonly container?: ContainerDescription;
  /** Of a `.tlt` or `.etlt`; needs the key. */
  readonly payload?: { readonly format: FileFormat; readonly sizeBytes: number; readonly sha256: string };
  readonly model?: ModelDescription;
  readonly calibrationCache?: CacheDescription;
  readonly histograms?: HistogramDescription;
  readonly hdf5?: Hdf5Contents;
  /** Of a Keras model; `model` is then the ONNX model that an export would produce. */
  readonly keras?: KerasDescription;
  readonly spec?: SpecDescription;
  /** What the reader should know or do next. */
  readonly note?: string;
};

/** A calibration cache. */
export type CacheDescription = {
  /** TensorRT version in the header, for example 7000; null in the oldest format. */
  readonly version: number | null;
  readonly algorithm: string | null;
  readonly tensors: readonly TensorRange[];
  /** Tensors whose scales no engine can use (`Infinity`, `NaN` or a negative number). Omitted if there are none. */
  readonly unusable?: readonly { readonly name: string; readonly scale: string }[];
};

/** The scale of a tensor. */
export type TensorRange = {
  readonly name: string;
  readonly scale: number;
  /** The largest absolute value that is not clipped: scale × 127. */
  readonly range: number;
};

/** A histogram file. */
export type HistogramDescription = Pick<HistogramFile, 'modelSha256' | 'samples'> & {
  readonly tensors: readonly {
    readonly name: string;
    readonly min: number;
    readonly max: number;
    /** Number of counted values. */
    readonly values: number;
  }[];
};

/** Key and cipher for encrypted files. */
export type OpenOptions = {
  readonly key: string | undefined;
  /** For files that were not encrypted with age. */
  readonly cipher?: Cipher | undefined;
};

/**
 * Describes one file. Without a key, only the container of an encrypted file is described.
 * @throws UserError InputNotFound, WrongKey, ModelInvalid, CacheInvalid, HistogramsInvalid, TensorfileInvalid,
 * SpecInvalid, and what the cipher throws
 */
export const inspectFile = async (file: string, opener: OpenOptions): Promise<FileDescription> => {
  using input = await openInput(file);
  const format = detectFileFormat(input);
  if (format === 'hdf5') return inspectHdf5(file);
  if (format === 'tlt' || format === 'etlt') {
    const contents = await describeEncrypted({ file: input, format }, format, opener);
    return { file, format, sizeBytes: input.size, sha256: await fileDigest(file), ...contents };
  }
  const bytes = input.whole();
  const report = { file, format, sizeBytes: bytes.length, sha256: sha256(bytes) };
  const text = format === 'unknown' ? decodeSpecText(bytes) : undefined;
  if (text !== undefined) return { ...report, format: 'experiment-spec', ...inspectSpec(text, file) };
  return { ...report, ...(await describeContents(bytes, format, opener)) };
};

type Contents = Omit<FileDescription, 'file' | 'format' | 'sizeBytes' | 'sha256'>;

const describeContents = async (
  bytes: Uint8Array,
  format: FileFormat,
  opener: OpenOptions,
): Promise<Contents> => {
  switch (format) {
    case 'onnx':
      return { model: describeModel(parseModel(bytes)) };
    case 'calibration-cache':
      return { calibrationCache: describeCache(bytes) };
    case 'histograms':
      return { histograms: describeHistograms(bytes) };
    case 'foreign':
      return opener.key === undefined || opener.cipher === undefined
        ? { note: foreignNote(bytes) }
        : describeEncrypted(
            { file: readableBytes(bytes), format },
            parsePrefix(bytes) ? 'etlt' : 'tlt',
            opener,
          );
    case 'uff':
      return { note: uffNote };
    case 'engine':
      return {
        note: 'a TensorRT engine, which only TensorRT can read, on a machine with the matching GPU',
      };
    case 'unknown':
      return {
        note:
          describeZip(bytes) ??
          'unknown format: not a model, a calibration cache, histograms, a tensorfile, an experiment spec or an engine',
      };
    case 'hdf5':
    case 'tlt':
    case 'etlt':
      return {}; // handled by the caller, without reading the whole file
  }
};

const describeEncrypted = async (
  detected: DetectedFile,
  kind: 'tlt' | 'etlt',
  { key, cipher }: OpenOptions,
): Promise<Contents> => {
  const container = describeContainer(detected.file, kind);
  if (key === undefined)
    return { container, note: 'encrypted: use --key_file FILE or -k KEY to see the model' };
  const { content, format: inner } = await openDetected(detected, key, cipher);
  const payload = { format: inner, sizeBytes: content.size, sha256: digestOf(readChunks(content)) };
  if (inner === 'onnx') return { container, payload, model: describeModel(parseModel(content.whole())) };
  if (inner === 'hdf5')
    return { container, payload, ...(await inspectKeras({ path: 'the model inside', content })) };
  const note = inner === 'uff' ? uffNote : 'the decrypted content is not a supported model';
  return { container, payload, note };
};

const uffNote =
  'a UFF graph, the format in which TLT 2.0 exported most models. It cannot be converted; use the .tlt that it was exported from';

const foreignNote = (bytes: Uint8Array): string => {
  const inputName = parsePrefix(bytes)?.inputName;
  const kind = inputName ? `an .etlt with the input node ${inputName}, ` : '';
  return `${kind}probably encrypted by NVIDIA's own tools: use the key and --codec_command with a program that decrypts it, or the plain ONNX or Keras .hdf5 of the same model`;
};

const describeCache = (bytes: Uint8Array): CacheDescription => {
  const { version, algorithmWord, scales, unusable } = parseCalibrationCache(new TextDecoder().decode(bytes));
  return {
    version: version ?? null,
    algorithm: algorithmWord ?? null,
    tensors: [...scales].map(([name, scale]) => ({ name, scale, range: scale * int8Levels })),
    ...(unusable.size > 0 && {
      unusable: [...unusable].map(([name, scale]) => ({ name, scale: String(scale) })),
    }),
  };
};

const describeHistograms = (bytes: Uint8Array): HistogramDescription => {
  const { modelSha256, samples, histograms } = parseHistogramFile(bytes);
  return {
    modelSha256,
    samples,
    tensors: [...histograms].map(([name, { min, max, counts }]) => ({
      name,
      min,
      max,
      values: counts.reduce((sum, count) => sum + count, 0),
    })),
  };
};

/** Reads structure and digest from disk, because tensorfiles can be larger than memory. */
const inspectHdf5 = async (file: string): Promise<FileDescription> => {
  const digest = await readInput(file, () => fileDigest(file));
  const { size: sizeBytes } = await stat(file);
  const hdf5 = await readHdf5Contents(file);
  const keras = hdf5.kind === 'Keras' ? await inspectKeras({ path: file }) : {};
  return { file, format: 'hdf5', sizeBytes, sha256: digest, hdf5, ...keras };
};
