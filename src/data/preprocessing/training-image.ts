/** One picture as the training loader feeds it: decode, geometry, values. */
import { greyOf, type ImageInput, type ImageSize, usePixels } from './decode.ts';
import { fitToNetwork, type Geometry } from './geometry.ts';
import { levelsOf, type Values, valuesInto } from './values.ts';

export type TrainingPreprocessing = {
  readonly size: ImageSize;
  readonly geometry: Geometry;
  readonly values: Values;
};

/** These loaders turn a picture grey after the resize, in float; the others while decoding, in eight bits. */
const greyLast: readonly Geometry['kind'][] = ['bilinear', 'letterbox'];

/** Makes the function that gives [C,H,W] of a picture. It throws UserError ImageInvalid naming the file. */
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
