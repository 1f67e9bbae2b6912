/**
 * Limits on the sizes that inputs claim. A claim is a size that a file declares, whether or not it has that many bytes. Each
 * claim is checked before anything is allocated or repeated for it.
 */
import { UserError } from './errors.ts';
import type { FailureReason } from './failures.ts';

export type Limit = {
  readonly max: number;
  readonly unit: string;
  /** The limited quantity, for the reference page. */
  readonly of: string;
  /** Reason for the value. */
  readonly why: string;
  /** What the user can do if an input exceeds it. */
  readonly remedy: string;
};

const mebibyte = 2 ** 20;

/** All limits by name; docs/reference/limits.md is generated from them. */
export const limits = {
  imagePixels: {
    max: 2 ** 25,
    unit: 'pixels',
    of: 'height × width of a network input, in a model or in an experiment spec',
    why: '8192 × 4096 is four times a 4K camera image, and takes 400 MB as three channels of float32',
    remedy: 'Export the model for smaller images.',
  },
  inputBytes: {
    max: 2 ** 30,
    unit: 'bytes',
    of: 'one input of an ONNX graph with a fixed batch size, as float32',
    why: 'a graph with a fixed batch size runs with that size, and several batches are in memory at once',
    remedy: 'Export the model with a smaller or a dynamic batch size.',
  },
  tensorBytes: {
    max: 2 ** 31,
    unit: 'bytes',
    of: 'one tensor of an ONNX graph, computed from constants or in one run',
    why: 'the largest activation of a 4K detector has 2 GB, and one ONNX file cannot store a larger constant',
    remedy: 'Check the shape in the graph, and export the model again.',
  },
  loopTrips: {
    max: 2 ** 20,
    unit: 'trips',
    of: 'an ONNX Loop whose only end condition is its trip count',
    why: 'exporters unroll a loop of fixed length or bound it by a number of boxes or time steps, thousands at most',
    remedy: 'Export the model again without that loop.',
  },
  kerasFreeBytes: {
    max: 64 * mebibyte,
    unit: 'bytes',
    of: 'the arrays of a Keras file of any size',
    why: 'small files of zeros or constants compress without limit, and are harmless up to this size',
    remedy: 'Save the model again with save().',
  },
  kerasRatio: {
    max: 16,
    unit: 'times its size',
    of: 'the arrays of a Keras file, in addition to the previous limit',
    why: 'Keras stores arrays uncompressed, and trained weights compress to half; an HDF5 file can claim any size',
    remedy: 'Save the model again with save().',
  },
  kerasConstantBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'the anchors that one Keras layer computes',
    why: 'a RetinaNet for 4K images has 2.4 million anchors of 32 bytes, a third of the limit',
    remedy: 'Check the input size and the anchors of the model.',
  },
  kerasCalls: {
    max: 20_000,
    unit: 'calls',
    of: 'calls of layers in a Keras model',
    why: 'calls of nested models multiply; the largest networks of TLT have fewer than a thousand layers',
    remedy: 'Save the model so that its nested models are called once.',
  },
  hdf5Bytes: {
    max: 512 * mebibyte,
    unit: 'bytes',
    of: 'memory of the HDF5 library for one file',
    why: 'the largest accepted chunk has 64 MiB, and is in memory compressed, decompressed and as a copy',
    remedy: 'Generate or save the file again.',
  },
  histogramBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'the decompressed content of a histogram file',
    why: 'a network of 1,000 tensors has 60 MB of histograms, which are in memory twice',
    remedy: 'Calibrate again, or use a histogram file that tlt-export wrote.',
  },
  histogramParts: {
    max: 10_000,
    unit: 'parts',
    of: 'calibrations that were added to one histogram file',
    why: 'each part has different images, and a calibration needs a few thousand images',
    remedy: 'Merge fewer parts.',
  },
  fileBytes: {
    max: 2 ** 31 - 1,
    unit: 'bytes',
    of: 'a file that is read at once: ONNX, a model encrypted with another cipher, reports',
    why: 'protobuf, and therefore an ONNX file, cannot be larger',
    remedy: 'Store the weights of the model next to it, as external data.',
  },
  textBytes: {
    max: 64 * mebibyte,
    unit: 'bytes',
    of: 'a calibration cache',
    why: 'a cache has about 30 bytes per tensor, so the limit allows two million tensors',
    remedy: 'Check that the file is a calibration cache.',
  },
  secretBytes: {
    max: mebibyte,
    unit: 'bytes',
    of: 'a file with a key, with credentials or with certificate authorities',
    why: 'Kubernetes stores no larger Secrets and ConfigMaps',
    remedy: 'Check the path.',
  },
  manifestBytes: {
    max: mebibyte / 4,
    unit: 'bytes',
    of: 'a manifest of stored files',
    why: 'a manifest lists at most 64 files, and real ones have a few KB',
    remedy: 'Check what wrote the manifest; the work of a folder without one is done again.',
  },
  timingCacheBytes: {
    max: 64 * mebibyte,
    unit: 'bytes',
    of: 'a timing cache of TensorRT',
    why: 'caches of these architectures have less than one MB',
    remedy: 'Remove the file: a build without it takes longer.',
  },
  globEntries: {
    max: 100_000,
    unit: 'files and folders',
    of: 'a glob pattern for TFRecords',
    why: 'the search reads every entry of each folder that the pattern visits; a data set has a few thousand record files',
    remedy: 'Name the folder of the records in the pattern, without wildcards above it.',
  },
  pictureBytes: {
    max: 512 * mebibyte,
    unit: 'bytes',
    of: 'a BMP or PPM picture, which is read at once',
    why: 'a picture of 100 megapixels has 400 MB uncompressed',
    remedy: 'Make the picture smaller, or convert it to PNG.',
  },
  recordBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'one TFRecord',
    why: 'a record contains one picture with its labels, and is in memory at once',
    remedy: 'Convert the data set again.',
  },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;

export type Claim = {
  readonly claimed: number | bigint;
  readonly reason: FailureReason;
  /** Start of the message, up to the number: `Reading m.onnx: its input has`. */
  readonly found: string;
};

/** Checks a claim against its limit. @throws UserError with the reason of the claim; names claim, limit and remedy */
export const requireWithin = (name: LimitName, { claimed, reason, found }: Claim): void => {
  const { max, unit, remedy } = limits[name];
  if (claimed <= max) return;
  throw new UserError(
    reason,
    `${found} ${claimed.toLocaleString('en')} ${unit}, and at most ${max.toLocaleString('en')} are accepted. ${remedy}`,
  );
};
