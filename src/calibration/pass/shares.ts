/** Adds up what several threads counted: each thread adds its share of the tensors and searches the thresholds of the sums. */
import { addHistograms, emptyHistogram, Histogram } from '../histograms/histogram.ts';
import { allThresholds, type Thresholds } from '../histograms/thresholds.ts';
import {
  type HistogramData,
  type HistogramsByTensor,
  toHistogramData,
  type WorkerResponse,
} from './calibration-messages.ts';

type Counted = Extract<WorkerResponse, { kind: 'counts' }>;
type Summed = Extract<WorkerResponse, { kind: 'sums' }>;

/** Histograms by tensor, and the thresholds that were searched with them. */
export type CountedTensors = {
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly thresholds: ReadonlyMap<Histogram, Thresholds>;
};

/** Divides the tensors that a thread counted into this many shares, which are the same for all threads. */
export const divideTensors = (counted: HistogramsByTensor, shares: number): Counted => ({
  kind: 'counts',
  shares: Array.from(
    { length: shares },
    (_, share) => new Map([...counted].filter((__, i) => i % shares === share)),
  ),
});

/** The shares that each thread adds up, in the order of the threads. */
export const dealShares = (
  answers: readonly WorkerResponse[],
): readonly (readonly HistogramsByTensor[])[] => {
  const counts = answers.filter((answer) => answer.kind === 'counts');
  return counts.map((_, thread) => counts.map(({ shares }) => shares[thread]!));
};

/** Adds histograms of the same tensors, which it frees, and searches thresholds of the finite sums if `choosing`. */
export const sumShares = (parts: readonly HistogramsByTensor[], choosing: boolean): Summed => {
  const names = [...(parts[0]?.keys() ?? [])];
  const sums = names.map((name) => [name, addUp(parts.map((part) => part.get(name)!))] as const);
  const finite = sums.filter(([, sum]) => choosing && sum.isFinite);
  return {
    kind: 'sums',
    histograms: new Map(sums.map(([name, sum]) => [name, toHistogramData(sum)])),
    thresholds: new Map(finite.map(([name, sum]) => [name, allThresholds(sum)])),
  };
};

/** Frees the parts immediately, because there are hundreds. Those without values share their memory. */
const addUp = (parts: readonly HistogramData[]): Histogram => {
  const sum = parts.map((each) => new Histogram(each, each)).reduce(addHistograms, emptyHistogram);
  for (const { bins, counts } of parts)
    if (bins !== sum.bins && bins.length > 0)
      for (const { buffer } of [bins, counts]) (buffer as ArrayBuffer).transfer(0);
  return sum;
};

/** What all threads added up, in the order of `measured`. */
export const collectSums = (
  answers: readonly WorkerResponse[],
  measured: ReadonlySet<string>,
): CountedTensors => {
  const sums = answers.filter((answer) => answer.kind === 'sums');
  const found = new Map(sums.flatMap(({ histograms }) => [...histograms]));
  const searched = new Map(sums.flatMap(({ thresholds }) => [...thresholds]));
  const histograms = new Map<string, Histogram>();
  const thresholds = new Map<Histogram, Thresholds>();
  for (const name of measured) {
    const histogram = new Histogram(found.get(name)!, found.get(name)!);
    histograms.set(name, histogram);
    const known = searched.get(name);
    if (known) thresholds.set(histogram, known);
  }
  return { histograms, thresholds };
};
