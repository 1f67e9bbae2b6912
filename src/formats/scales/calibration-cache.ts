/**
 * TensorRT's calibration cache: ASCII text with one line per tensor, each ending in LF. The number is the scale
 * (largest absolute value / 127) as the bits of a float32 in lower-case hex, most significant digit first. TensorRT
 * omits leading zeros; they are written here because some readers require all eight digits.
 *
 *     TRT-8601-EntropyCalibration2
 *     input_1: 3c010204
 */
import { UserError } from '../../ground/base/errors.ts';

/** A parsed calibration cache. */
export type CalibrationCache = {
  /** Version in the header (see `tensorRtVersionNumber`); undefined in the oldest files, whose header is `1`. */
  readonly version: number | undefined;
  /**
   * Calibrator name, such as `EntropyCalibration2` or `MinMaxCalibration`; TensorRT compares it with its calibrator's.
   */
  readonly algorithmWord: string | undefined;
  /** Tensor → scale (real = q × scale), in file order. */
  readonly scales: ReadonlyMap<string, number>;
  /** Tensor → scale that no engine can use: infinite, negative or NaN. TensorRT itself writes infinity. */
  readonly unusable: ReadonlyMap<string, number>;
};

/** What a calibration cache is written from. */
export type CacheParts = {
  readonly version: number;
  readonly algorithmWord: string;
  readonly scales: ReadonlyMap<string, number>;
};

/** The scale of a tensor that was always zero: the smallest normal float32, because a scale of 0 divides by zero. */
export const minScale = 2 ** -126;

/**
 * Writes a cache. Tensors keep the map's order; the caller puts inputs first, then topological order.
 * @throws UserError CalibrationFailed for a scale that is negative, infinite or NaN, or a name with a line break
 */
export const writeCalibrationCache = ({ version, algorithmWord, scales }: CacheParts): string => {
  const lines = [...scales].map(([name, scale]) => `${writableName(name)}: ${hexOfScale(name, scale)}\n`);
  return `TRT-${version}-${algorithmWord}\n${lines.join('')}`;
};

/**
 * Parses a cache of TensorRT, TAO or this project. A line is split at its last `": "`, because names may contain
 * colons.
 * @throws UserError CacheInvalid naming the line
 */
export const parseCalibrationCache = (text: string): CalibrationCache => {
  const [first = '', ...rest] = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const header = parseHeader(first);
  const [scales, unusable] = [new Map<string, number>(), new Map<string, number>()];
  for (const [index, line] of rest.entries()) {
    if (line === '') continue;
    const [name, scale] = parseLine(line, index + 2);
    if (scales.has(name) || unusable.has(name))
      throw invalid(index + 2, `the tensor ${name} is listed twice`);
    (isUsable(scale) ? scales : unusable).set(name, scale);
  }
  return { ...header, scales, unusable };
};

/**
 * Parses a cache and returns its scales, all of which are usable.
 * @throws UserError CacheInvalid naming a tensor whose scale is infinite, negative or NaN
 */
export const readUsableScales = (text: string): ReadonlyMap<string, number> => {
  const { scales, unusable } = parseCalibrationCache(text);
  if (unusable.size === 0) return scales;
  const [[name, scale]] = [...unusable] as [[string, number]];
  const more = unusable.size === 1 ? '' : ` and of ${unusable.size - 1} other tensors`;
  throw new UserError(
    'CacheInvalid',
    `Using the calibration cache: the scale of ${name} is ${scale}${more}, so no engine can use it. tlt-model inspect lists such scales. Calibrate again.`,
  );
};

/**
 * Encodes a TensorRT version as the header does: 8.6.1 → 8601 up to version 9, 10.3.0 → 100300 from 10 on.
 * @throws UserError Usage for anything but numbers with dots
 */
export const tensorRtVersionNumber = (version: string): number => {
  const match = /^(\d{1,3})\.(\d{1,2})(?:\.(\d{1,2}))?(?:\.\d+)*$/.exec(version);
  if (!match)
    throw new UserError(
      'Usage',
      `Reading the TensorRT version '${version}': write it as numbers with dots, for example 8.6.1 or 10.3.0.`,
    );
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return major * (major < 10 ? 1000 : 10000) + minor * 100 + patch;
};

const headerForm = /^TRT-(\d{1,9})-(\w+)$/;
// Greedy: the name ends at the last ": ". A dot would not match U+2028 and U+2029, which a name may contain.
const lineForm = /^([^\n]+): ([0-9a-fA-F]{1,8})$/;

const parseHeader = (line: string): Pick<CalibrationCache, 'version' | 'algorithmWord'> => {
  if (line === '1') return { version: undefined, algorithmWord: undefined };
  const match = headerForm.exec(line);
  // The line is not quoted: without the header this may be any file, such as one that contains a key.
  if (!match) throw invalid(1, 'it is not a header such as TRT-8601-EntropyCalibration2');
  return { version: Number(match[1]), algorithmWord: match[2] };
};

const parseLine = (line: string, number: number): [name: string, scale: number] => {
  const match = lineForm.exec(line);
  if (!match) throw invalid(number, `'${shorten(line)}' is not 'name: hex digits'`);
  bits.setUint32(0, Number.parseInt(match[2]!, 16));
  return [match[1]!, bits.getFloat32(0)];
};

const isUsable = (scale: number): boolean => scale >= 0 && Number.isFinite(Math.fround(scale));

const hexOfScale = (name: string, scale: number): string => {
  if (!isUsable(scale))
    throw new UserError(
      'CalibrationFailed',
      `Writing the calibration cache: the scale of tensor ${name} is ${scale}. Look for NaN or infinity in its values.`,
    );
  bits.setFloat32(0, Math.max(scale, minScale));
  return bits.getUint32(0).toString(16).padStart(8, '0');
};

const writableName = (name: string): string => {
  if (name === '' || /[\r\n]/.test(name))
    throw new UserError(
      'CalibrationFailed',
      `Writing the calibration cache: the tensor name ${JSON.stringify(name)} is empty or contains a line break. Rename it in the model.`,
    );
  return name;
};

const bits = new DataView(new ArrayBuffer(4));

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

const invalid = (line: number, found: string): UserError =>
  new UserError(
    'CacheInvalid',
    `Reading the calibration cache, line ${line}: ${found}. Calibrate again, or use a cache in TensorRT's format.`,
  );
