/** How well two models agree on the same images. */
import type { FloatTensor } from './session.ts';

export type Agreement = {
  readonly images: number;
  /** Signal to quantisation noise over all outputs, in decibel: 10·log10(Σx² / Σ(x − y)²). Infinity if equal. */
  readonly sqnrDb: number;
  /** Share of images with the same largest output; only where an output is [N, classes]. */
  readonly top1: number | undefined;
};

type Outputs = Readonly<Record<string, FloatTensor>>;

/** A NaN anywhere makes the ratio minus infinity. */
export const agreementOf = (reference: Outputs, other: Outputs): Agreement => {
  let signal = 0;
  let noise = 0;
  for (const [name, { data }] of Object.entries(reference)) {
    const compared = other[name]!.data;
    for (let i = 0; i < data.length; i++) {
      signal += data[i]! ** 2;
      noise += (data[i]! - compared[i]!) ** 2;
    }
  }
  const ratio = 10 * Math.log10(signal / noise);
  const images = Object.values(reference)[0]?.dims[0] ?? 0;
  return {
    images,
    sqnrDb: Number.isNaN(noise) ? Number.NEGATIVE_INFINITY : noise === 0 ? Number.POSITIVE_INFINITY : ratio,
    top1: top1Of(reference, other),
  };
};

const top1Of = (reference: Outputs, other: Outputs): number | undefined => {
  const classified = Object.entries(reference).find(([, { dims }]) => dims.length === 2 && dims[1]! > 1);
  if (!classified) return undefined;
  const [name, { data, dims }] = classified;
  const [images, classes] = dims as readonly [number, number];
  const compared = other[name]!.data;
  let same = 0;
  for (let image = 0; image < images; image++)
    if (largestAt(data, image * classes, classes) === largestAt(compared, image * classes, classes)) same++;
  return same / images;
};

const largestAt = (values: Float32Array, from: number, count: number): number => {
  let best = from;
  for (let i = from + 1; i < from + count; i++) if (values[i]! > values[best]!) best = i;
  return best - from;
};
