/**
 * Settings of the data loader, independent of the spec's syntax: which images, the weight of each source, and the
 * preprocessing. A plan is plain data: the same plan and seed give the same batches.
 */
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { PixelScaling } from '../preprocessing/values.ts';

/** A data set and its preprocessing. */
export type LoaderPlan = (ClassFolders | Tfrecords | KittiFolders) & {
  readonly size: ImageSize;
  /** Batch size of the training (`batch_size_per_gpu`); at least 1. */
  readonly batchSize: number;
  readonly geometry: Geometry;
  readonly values: PixelScaling;
  /** Real path that must contain every record file and image after resolving links; unrestricted if undefined. */
  readonly within?: string;
};

/** Classification: images at `<folder>/<class>/**`. The classes are the folder names, sorted. */
export type ClassFolders = {
  readonly kind: 'classFolders';
  readonly training: string;
  readonly validation?: string;
};

/** detectnet_v2 and faster_rcnn, and the SSD family of TLT 2.0. */
export type Tfrecords = {
  readonly kind: 'tfrecords';
  readonly sources: readonly TfrecordSource[];
  /** `png`, `jpg` or `jpeg`, with or without a dot; images are `<imageFolder>/<frame/id>.<extension>`. */
  readonly imageExtension: string;
  /** The validation set; undefined if the spec defines none. */
  readonly validation?: Fold | { readonly source: TfrecordSource };
};

/** Validation fold: files whose path contains `fold-<three digits>-of-`; all other files are for training. */
export type Fold = { readonly fold: number };

/** One group of record files. */
export type TfrecordSource = {
  /** Path or glob pattern of TFRecord files. */
  readonly records: string;
  /**
   * Parent of the image folder, because `frame/id` starts with the folder's name. Undefined if the records contain the
   * images.
   */
  readonly imageFolder?: string;
  /** Sampling weight relative to the other sources. Default: the number of its images. */
  readonly weight?: number;
};

/** The SSD family from TLT 3.0 on. Images without a label file `<labelFolder>/<name>.txt` are ignored. */
export type KittiFolders = {
  readonly kind: 'kittiFolders';
  readonly training: readonly KittiSource[];
  readonly validation: readonly KittiSource[];
};

/** An image folder and its label folder. */
export type KittiSource = {
  readonly imageFolder: string;
  readonly labelFolder: string;
  /** Sampling weight relative to the other sources. Default: the number of its images. */
  readonly weight?: number;
};
