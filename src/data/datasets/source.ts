/** A source of images with random access. */
import type { ImageInput } from '../preprocessing/decode.ts';

/** Images by index, with the weight of the source in sampling. */
export type ImageSource = {
  readonly count: number;
  /** Sampling weight relative to the other sources. */
  readonly weight: number;
  /** Number of classes, if classes are folders. */
  readonly classes?: number;
  /** Locates an image, 0 ≤ index < count. @throws UserError DatasetInvalid if its record is damaged */
  readonly imageAt: (index: number) => Promise<ImageInput>;
};
