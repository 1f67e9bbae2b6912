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
    of: 'one input of an ONNX graph with a fixed batch, as float32',
    why: 'a graph with a fixed batch is calibrated and run with that batch, and several are in memory at once',
    remedy: 'Export the model with a smaller fixed batch, or with a free one.',
  },
  tensorBytes: {
    max: 2 ** 31,
    unit: 'bytes',
    of: 'one tensor that an ONNX graph computes from constants, or for one run of its input',
    why: 'the largest activation of a 4K detector has 2 GB, and ONNX itself stores no larger constant in one file',
    remedy: 'Check the shape that the graph asks for, and export the model again.',
  },
  loopTrips: {
    max: 2 ** 20,
    unit: 'trips',
    of: 'an ONNX Loop that nothing but its trip count ends',
    why: 'exporters unroll a loop of fixed length or bound it by a number of boxes or time steps, thousands at most',
    remedy: 'Export the model again without that loop.',
  },
  kerasFreeBytes: {
    max: 64 * mebibyte,
    unit: 'bytes',
    of: 'the arrays of a Keras file, whatever its own size',
    why: 'small files of zeros or constants compress without limit and do no harm at this size',
    remedy: 'Save the model again by save().',
  },
  kerasRatio: {
    max: 16,
    unit: 'times its size',
    of: 'the arrays of a larger Keras file, beside those of its own size',
    why: 'Keras stores arrays uncompressed, and trained weights compress to half; HDF5 lets a file claim any size',
    remedy: 'Save the model again by save().',
  },
  kerasConstantBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'the anchors that one Keras layer computes',
    why: 'a RetinaNet of 4K images has 2.4 million anchors of 32 bytes, a third of it',
    remedy: 'Check the input size and the anchors of the model.',
  },
  kerasCalls: {
    max: 20_000,
    unit: 'calls',
    of: 'layers of a Keras model, each counted as often as it is called',
    why: 'models inside models multiply; the largest networks of TLT have less than a thousand layers',
    remedy: 'Save the model with its inner models called once.',
  },
  hdf5Bytes: {
    max: 512 * mebibyte,
    unit: 'bytes',
    of: 'memory that the HDF5 library takes to read one file',
    why: 'the largest chunk that is read has 64 MiB, and is in memory packed, unpacked and copied',
    remedy: 'Generate or save the file again.',
  },
  histogramBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'the unpacked content of a histogram file',
    why: 'a network of 1,000 tensors fills 60 MB, and what is unpacked is in memory twice',
    remedy: 'Calibrate again, or give a histogram file that tlt-export wrote.',
  },
  histogramParts: {
    max: 10_000,
    unit: 'parts',
    of: 'calibrations that were added up in one histogram file',
    why: 'each part has images of its own, and a calibration takes some thousand images',
    remedy: 'Add up fewer parts.',
  },
  fileBytes: {
    max: 2 ** 31 - 1,
    unit: 'bytes',
    of: 'a file that is read as a whole: ONNX, a locked model of another cipher, reports',
    why: 'protobuf, and with it one ONNX file, holds no more',
    remedy: 'Store the weights of the model beside it, as external data.',
  },
  textBytes: {
    max: 64 * mebibyte,
    unit: 'bytes',
    of: 'a calibration cache',
    why: 'a cache has some 30 bytes a tensor, so that this is a million tensors',
    remedy: 'Name a calibration cache.',
  },
  globEntries: {
    max: 100_000,
    unit: 'files and folders',
    of: 'a glob pattern for TFRecords',
    why: 'every entry of a folder on the way is looked at; a data set has some thousand record files',
    remedy: 'Name the folder of the records in the pattern, without wildcards above it.',
  },
  pictureBytes: {
    max: 512 * mebibyte,
    unit: 'bytes',
    of: 'a BMP or PPM picture, which is read as a whole',
    why: 'a picture of 100 megapixels has 400 MB uncompressed',
    remedy: 'Make the picture smaller, or convert it to PNG.',
  },
  recordBytes: {
    max: 256 * mebibyte,
    unit: 'bytes',
    of: 'one TFRecord',
    why: 'a record holds one picture with its labels, and is in memory as a whole',
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
