/** One picture as the training loader feeds it: decode, geometry, values. */
import { greyOf, type ImageInput, type ImageSize, usePixels } from './decode.ts';
import { fitToNetwork, type Geometry } from './geometry.ts';
import { levelsOf, type PixelScaling, valuesInto } from './values.ts';

/** Input size, geometry and normalisation of a training. */
export type TrainingPreprocessing = {
  readonly size: ImageSize;
  readonly geometry: Geometry;
  readonly values: PixelScaling;
};

/** Loaders that convert to grey in float after resizing; the others convert in 8 bits when decoding. */
const greyLast: readonly Geometry['kind'][] = ['bilinear', 'letterbox'];

/**
 * Makes the function that decodes and preprocesses one picture to [C,H,W]; it throws UserError ImageInvalid, naming the
 * file.
 */
export const trainingImage = ({ size, geometry, values }: TrainingPreprocessing) => {
  const levels = levelsOf(values);
  const { width, height, channels } = size;
  return (input: ImageInput): Promise<Float32Array> =>
    usePixels(input, (colour) => {
      const pixels = channels === 1 && !greyLast.includes(geometry.kind) ? greyOf(colour) : colour;
      const { data } = fitToNetwork(pixels, geometry, { width, height, levels });
      const result = new Float32Array(channels * height * width);
      valuesInto(result, 0, { data, values, from: pixels.channels, channels });
      return result;
    });
};
