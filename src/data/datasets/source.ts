/** One place that images come from: how many there are, how often it is drawn from, and each image by its number. */
import type { ImageInput } from '../preprocessing/decode.ts';

export type ImageSource = {
  readonly count: number;
  /** Share in the sampling, relative to the other sources. */
  readonly weight: number;
  /** Where classes are folders, how many there are. */
  readonly classes?: number;
  /** 0 ≤ index < count. @throws UserError DatasetInvalid if the record that names the image is damaged */
  readonly imageAt: (index: number) => Promise<ImageInput>;
};
