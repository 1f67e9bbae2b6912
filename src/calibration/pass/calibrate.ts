/**
 * One pass over the calibration images: every float tensor of the graph gets a histogram, and all thresholds come
 * from the histograms afterwards. Memory does not grow with the number of images.
 */
import { availableParallelism } from 'node:os';
import type { Batch } from '../../data/preprocessing/batches.ts';
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { splitIntoSegments, type TensorFacts } from '../../graph/inference/segments.ts';
import { inferTensorFacts } from '../../graph/inference/tensor-facts.ts';
import { buildCalibrationGraph, type CalibrationGraph } from '../../graph/precision/calibration-graph.ts';
import { listScaledTensors, mapToMeasured } from '../../graph/precision/scaled-tensors.ts';
import { clipHistogram } from '../histograms/derived.ts';
import type { Histogram } from '../histograms/histogram.ts';
import type { Statistics } from '../histograms/statistics.ts';
import { CalibrationPool, type PoolImage } from './calibration-pool.ts';

export type CalibrationRun = {
  readonly model: ModelProto;
  readonly input: string;
  /** What the graph is run on at once, [N,C,H,W]: N is 1 unless the graph fixes it. */
  readonly shape: readonly [number, number, number, number];
  /** Of any sizes that N divides. */
  readonly batches: AsyncIterable<Batch>;
  /** Called with the number of images counted so far. */
  readonly progress: (images: number) => void;
  readonly signal: AbortSignal;
  /** As many as there are processors, up to four, if undefined. The result does not depend on it. */
  readonly threads?: number;
  /** Layers that stay float, as `floatLayers` takes them: what they read may be infinite. */
  readonly keepFloat?: readonly string[] | undefined;
  /** Whether the threads choose every method's thresholds once all is counted; true if undefined. */
  readonly choosing?: boolean;
};

/** Each thread holds the weights and the largest segment's tensors. */
const maxThreads = 4;

/** Bytes of exposed tensors and weights of a segment: less saves no memory any more, and more saves no time. */
const segmentLimit = 12 * 2 ** 20;

/** What the measured tensors held, by their names. */
export type TensorCounts = {
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly images: number;
  /** Measured tensors that held an infinity: the first image on which they did. Unknown if undefined. */
  readonly infinite?: ReadonlyMap<string, string>;
};

export type CollectedStatistics = { readonly counted: TensorCounts; readonly statistics: Statistics };

/** The pass over the images and all that follows from it. @throws as `collect` */
export const collectStatistics = async (run: CalibrationRun): Promise<Statistics> =>
  (await collect(run)).statistics;

/**
 * The pass over the images. The first of them is decoded while the network is opened.
 * @throws UserError CalibrationFailed naming tensor and image when an activation is NaN, or infinite where it needs a scale,
 * ImageInvalid
 */
export const collect = async (run: CalibrationRun): Promise<CollectedStatistics> => {
  const images = splitIntoMicroBatches(run);
  const first = images.next();
  first.catch(() => {}); // Awaited once the network is open; until then it must not count as unhandled.
  let pool: CalibrationPool | undefined;
  try {
    pool = await openPool(run);
    const counted = await countImages(pool, run, prepend(first, images));
    const statistics = deriveStatistics(run.model, counted);
    if (run.choosing === false) return { counted, statistics };
    const histograms = new Set(statistics.histograms.values());
    return { counted, statistics: { ...statistics, thresholds: await pool.thresholds([...histograms]) } };
  } finally {
    await images.return(undefined);
    await pool?.close();
  }
};

/** @throws UserError ModelInvalid, CalibrationFailed */
const openPool = async ({
  model,
  input,
  shape,
  threads,
  keepFloat,
}: CalibrationRun): Promise<CalibrationPool> => {
  const graph = buildCalibrationGraph(model);
  const facts = await inferTensorFacts(graph.model, { input, dims: shape });
  const measured = selectMeasured(graph, facts);
  const segments = splitIntoSegments(graph.model, { facts, measured, limit: segmentLimit });
  const workers = threads ?? Math.min(maxThreads, availableParallelism());
  const scaled = mapToMeasured(listScaledTensors(model, keepFloat ?? []), graph);
  return CalibrationPool.open({ input, measured, scaled }, segments, workers);
};

const countImages = async (
  pool: CalibrationPool,
  { shape, progress }: CalibrationRun,
  all: AsyncIterable<Image>,
): Promise<TensorCounts> => {
  let images = 0;
  const counted = (): void => {
    images += shape[0];
    progress(images);
  };
  for await (const image of all) await pool.count({ ...image, counted });
  return { histograms: await pool.finish(), images, infinite: pool.infinite };
};

async function* prepend<T>(first: Promise<IteratorResult<T>>, rest: AsyncIterable<T>): AsyncGenerator<T> {
  const { done, value } = await first;
  if (done) return;
  yield value;
  yield* rest;
}

type Image = Omit<PoolImage, 'counted'>;

const selectMeasured = (
  { tensors, derived }: CalibrationGraph,
  facts: ReadonlyMap<string, TensorFacts>,
): ReadonlySet<string> =>
  new Set(tensors.filter((name) => !derived.has(name) && facts.get(name)?.elemType === elementType.float32));

/** Batches of any size as what the graph takes at once. */
async function* splitIntoMicroBatches({ batches, shape, signal }: CalibrationRun): AsyncGenerator<Image> {
  const [rows] = shape;
  const length = shape.reduce((product, size) => product * size, 1);
  for await (const { data, paths } of batches)
    for (let first = 0; first < paths.length; first += rows) {
      signal.throwIfAborted();
      const start = (first / rows) * length;
      const label = paths.slice(first, first + rows).join(', ');
      yield { tensor: { data: data.slice(start, start + length), dims: shape }, label };
    }
}

/** What follows for every tensor of the cache from those that were measured. */
export const deriveStatistics = (
  model: ModelProto,
  { histograms, images, infinite }: TensorCounts,
): Statistics => {
  const graph = buildCalibrationGraph(model);
  const all = [...deriveHistograms(graph, histograms)];
  const isWithout = ([, histogram]: (typeof all)[number]) => !histogram.isFinite;
  return {
    histograms: new Map(all.filter((each) => !isWithout(each))),
    sharedScale: graph.sharedScaleGroups,
    images,
    infinite: new Map(all.filter(isWithout).map(([name]) => [name, infinite?.get(rootOf(name, graph))])),
  };
};

/** The measured tensor from which a tensor's values follow. */
const rootOf = (name: string, graph: CalibrationGraph): string => {
  const from = graph.derived.get(name)?.from;
  return from === undefined ? name : rootOf(from, graph);
};

/** In the order of the cache. What is derived comes after what it is derived from, as in the graph. */
const deriveHistograms = (
  { tensors, derived }: CalibrationGraph,
  measured: ReadonlyMap<string, Histogram>,
): ReadonlyMap<string, Histogram> => {
  const histograms = new Map<string, Histogram>();
  for (const name of tensors) {
    const derivation = derived.get(name);
    const source = derivation ? histograms.get(derivation.from) : measured.get(name);
    if (source) histograms.set(name, derivation ? clipHistogram(source, derivation) : source);
  }
  return histograms;
};
