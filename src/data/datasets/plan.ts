/**
 * What a training spec tells the data loader, free of spec syntax: which images, how often each source, and how a
 * picture becomes the network's input. The plan is data: the same plan and seed give the same batches.
 */
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Geometry } from '../preprocessing/geometry.ts';
import type { Values } from '../preprocessing/values.ts';

export type LoaderPlan = (ClassFolders | Tfrecords | KittiFolders) & {
  readonly size: ImageSize;
  /** Images in a batch of the training (`batch_size_per_gpu`); at least 1. */
  readonly batchSize: number;
  readonly geometry: Geometry;
  readonly values: Values;
  /** A real path that every record file and image must be in, with all links resolved; anywhere if undefined. */
  readonly within?: string;
};

/** Classification: `<folder>/<class>/**` of images; a class is a folder's name, in sorted order. */
export type ClassFolders = {
  readonly kind: 'classFolders';
  readonly training: string;
  readonly validation?: string;
};

/** detectnet_v2 and faster_rcnn, and the SSD family of TLT 2.0. */
export type Tfrecords = {
  readonly kind: 'tfrecords';
  readonly sources: readonly TfrecordSource[];
  /** `png`, `jpg` or `jpeg`, with or without a dot: an image is `<imageFolder>/<frame/id>.<extension>`. */
  readonly imageExtension: string;
  /** What is kept from training; undefined if all of the sources train and nothing validates. */
  readonly validation?: Fold | { readonly source: TfrecordSource };
};

/** Files whose path holds `fold-<number, three digits>-of-` validate; the others train. */
export type Fold = { readonly fold: number };

export type TfrecordSource = {
  /** A path or a glob pattern of TFRecord files. */
  readonly records: string;
  /**
   * The parent of the image folder, since `frame/id` begins with that folder's name. Undefined if the records hold
   * the images themselves.
   */
  readonly imageFolder?: string;
  /** Share in the sampling, relative to the other sources; its number of images if undefined. */
  readonly weight?: number;
};

/** The SSD family from TLT 3.0 on: an image counts if `<labelFolder>/<its name>.txt` is there. */
export type KittiFolders = {
  readonly kind: 'kittiFolders';
  readonly training: readonly KittiSource[];
  readonly validation: readonly KittiSource[];
};

export type KittiSource = {
  readonly imageFolder: string;
  readonly labelFolder: string;
  /** As in `TfrecordSource`. */
  readonly weight?: number;
};
