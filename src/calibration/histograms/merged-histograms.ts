/** Adds histogram files of one model; the sum equals one calibration over all images, bit for bit. */

import type { CountedSample, HistogramFile } from '../../formats/scales/histogram-file.ts';
import { UserError } from '../../ground/base/errors.ts';
import { addHistograms, emptyHistogram, Histogram } from './histogram.ts';

/** A histogram file and its name for messages. */
export type NamedHistograms = { readonly name: string; readonly content: HistogramFile };

/** A sum of histogram files. It holds one histogram for each tensor, however many files are added. */
export class HistogramSum {
  readonly #first: NamedHistograms;
  readonly #samples: NamedSample[] = [];
  readonly #histograms = new Map<string, Histogram>();

  constructor(first: NamedHistograms) {
    this.#first = first;
    this.add(first);
  }

  /** @throws UserError HistogramsInvalid for a file of another model, or one that counts the same images as another */
  add(file: NamedHistograms): void {
    validateSameModel(this.#first, file);
    addSamples(this.#samples, file);
    for (const [tensor, stored] of file.content.histograms) {
      const sum = this.#histograms.get(tensor) ?? emptyHistogram;
      this.#histograms.set(tensor, addHistograms(sum, new Histogram(stored, stored)));
    }
  }

  /** Complete sets of parts are recorded as one whole sample. The order of the additions does not matter. */
  get content(): HistogramFile {
    const samples = this.#samples.map(({ sample }) => sample).sort(compareSamples);
    const { modelSha256 } = this.#first.content;
    return { modelSha256, samples: completeSamples(samples), histograms: this.#histograms };
  }
}

/** Adds the files, in any order. @throws UserError HistogramsInvalid as `HistogramSum` */
export const mergeHistogramFiles = (files: readonly NamedHistograms[]): HistogramFile => {
  const [first, ...others] = files as [NamedHistograms, ...NamedHistograms[]];
  const sum = new HistogramSum(first);
  for (const other of others) sum.add(other);
  return sum.content;
};

const validateSameModel = (a: NamedHistograms, b: NamedHistograms): void => {
  const [one, other] = [a.content, b.content];
  const sameTensors =
    one.histograms.size === other.histograms.size &&
    [...one.histograms.keys()].every((name) => other.histograms.has(name));
  if (one.modelSha256 === other.modelSha256 && sameTensors) return;
  throw new UserError(
    'HistogramsInvalid',
    `Adding histograms: ${a.name} is of model ${one.modelSha256.slice(0, 12)}… with ${one.histograms.size} tensors, ${b.name} is of model ${other.modelSha256.slice(0, 12)}… with ${other.histograms.size}. Add histograms of one model only.`,
  );
};

const sameData = (a: CountedSample, b: CountedSample): boolean =>
  a.dataSha256 === b.dataSha256 && a.seed === b.seed && a.drawn === b.drawn;

/** Whether two samples share images: the same part, or parts of different splits of the same data. */
const shareImages = (a: CountedSample, b: CountedSample): boolean =>
  sameData(a, b) && (a.of !== b.of || a.part === b.part);

type NamedSample = { readonly name: string; readonly sample: CountedSample };

const addSamples = (known: NamedSample[], { name, content }: NamedHistograms): void => {
  for (const sample of content.samples) {
    const twice = known.find((each) => shareImages(each.sample, sample));
    if (twice) throw duplicateImages(twice.name, name);
    known.push({ name, sample });
  }
};

const compareSamples = (a: CountedSample, b: CountedSample): number => {
  if (a.dataSha256 !== b.dataSha256) return a.dataSha256 < b.dataSha256 ? -1 : 1;
  return a.seed - b.seed || a.drawn - b.drawn || a.part - b.part;
};

const duplicateImages = (a: string, b: string): UserError =>
  new UserError(
    'HistogramsInvalid',
    `Adding histograms: ${a} and ${b} count the same images. Pass each part once, with the same number of parts for all.`,
  );

const completeSamples = (samples: readonly CountedSample[]): readonly CountedSample[] =>
  samples.flatMap((sample) => {
    const parts = samples.filter((each) => sameData(each, sample));
    if (parts.length !== sample.of) return [sample];
    if (sample.part > 1) return [];
    const images = parts.reduce((sum, part) => sum + part.images, 0);
    const consumed = Math.max(...parts.map((part) => part.consumed));
    return [{ ...sample, part: 1, of: 1, images, consumed: consumed }];
  });
