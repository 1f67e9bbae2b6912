/** Measures the loss of a quantised network: compares its tensors with those of the float network on many images. */
import type { FloatTensor } from '../../src/graph/inference/session.ts';

/** Names of graph outputs: the final output, the logits before its softmax or sigmoid, and the feature before them. */
export type Watched = { readonly output: string; readonly logits: string; readonly feature: string };

export type Losses = {
  /** Signal-to-noise ratio of the feature in decibel. */
  readonly featureDb: number;
  /** Root mean squared difference of the logits. */
  readonly logitRmse: number;
  /** Mean absolute difference of the outputs. */
  readonly meanDifference: number;
  /** Share of equal top-1 classes of a classifier; F1 of the thresholded map of a detector. */
  readonly agreement: number;
};

type Outputs = Readonly<Record<string, FloatTensor>>;

/** Threshold of a text pixel: the default of PaddleOCR's post-processing. */
const textFrom = 0.3;

export const measureLosses = (
  float: readonly Outputs[],
  int8: readonly Outputs[],
  watched: Watched,
): Losses => {
  const of = (name: string) => differences(valuesOf(float, name), valuesOf(int8, name));
  const feature = of(watched.feature);
  const logits = of(watched.logits);
  const output = of(watched.output);
  return {
    featureDb: 10 * Math.log10(feature.signal / feature.noise),
    logitRmse: Math.sqrt(logits.noise / logits.count),
    meanDifference: output.absolute / output.count,
    agreement: agreement(float, int8, watched.output),
  };
};

const valuesOf = (images: readonly Outputs[], name: string): readonly number[] =>
  images.flatMap((outputs) => Array.from(outputs[name]!.data));

const differences = (a: readonly number[], b: readonly number[]) => {
  const sums = { signal: 0, noise: 0, absolute: 0, count: a.length };
  for (const [i, value] of a.entries()) {
    sums.signal += value ** 2;
    sums.noise += (value - b[i]!) ** 2;
    sums.absolute += Math.abs(value - b[i]!);
  }
  return sums;
};

const agreement = (float: readonly Outputs[], int8: readonly Outputs[], name: string): number => {
  const [first] = float;
  return first![name]!.dims.length === 2
    ? sameClass(float, int8, name)
    : mapF1(valuesOf(float, name), valuesOf(int8, name));
};

const sameClass = (float: readonly Outputs[], int8: readonly Outputs[], name: string): number => {
  const classes = (list: readonly Outputs[]) => list.map((outputs) => largest(outputs[name]!.data));
  const other = classes(int8);
  return classes(float).filter((one, i) => one === other[i]).length / float.length;
};

/** Index of the largest value. */
export const largest = (values: Float32Array): number => values.indexOf(Math.max(...values));

const mapF1 = (float: readonly number[], int8: readonly number[]): number => {
  let [both, either] = [0, 0];
  for (const [i, value] of float.entries()) {
    const [one, other] = [value > textFrom, int8[i]! > textFrom];
    if (one && other) both++;
    if (one || other) either++;
  }
  return (2 * both) / (both + either);
};
