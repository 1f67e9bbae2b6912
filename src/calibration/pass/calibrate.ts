/**
 * One pass over the calibration images: counts a histogram of every float tensor of the graph. Thresholds are derived from
 * the histograms afterwards. Memory does not grow with the number of images.
 */
import type { Batch } from '../../data/preprocessing/batches.ts';
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { placeOutputs } from '../../graph/inference/output-places.ts';
import { splitIntoSegments, type TensorFacts } from '../../graph/inference/segments.ts';
import { inferTensorFacts } from '../../graph/inference/tensor-facts.ts';
import { buildCalibrationGraph, type CalibrationGraph } from '../../graph/precision/calibration-graph.ts';
import { listScaledTensors, mapToMeasured } from '../../graph/precision/scaled-tensors.ts';
import { freeBuffer } from '../../ground/base/release.ts';
import { clipHistogram } from '../histograms/derived.ts';
import type { Histogram } from '../histograms/histogram.ts';
import type { Statistics } from '../histograms/statistics.ts';
import { CalibrationPool, type PoolImage } from './calibration-pool.ts';
import type { CountedTensors } from './shares.ts';
import { countThreads } from './started-threads.ts';

/** Model, data and settings of a calibration pass. */
export type CalibrationRun = {
  readonly model: ModelProto;
  readonly input: string;
  /** Input shape of one run, [N,C,H,W]. N, the micro-batch, is 1 unless the graph has a fixed batch. */
  readonly shape: readonly [number, number, number, number];
  /** Calibration images; N must divide the size of each batch, whose memory is freed once it was read. */
  readonly batches: AsyncIterable<Batch>;
  /** Called with the number of images counted so far. */
  readonly progress: (images: number) => void;
  readonly signal: AbortSignal;
  /** Default: number of processors, at most four. Does not change the result. */
  readonly threads?: number;
  /** Layers that stay float, as for `floatLayers`; their inputs may be infinite. */
  readonly keepFloat?: readonly string[] | undefined;
  /** Whether to compute the thresholds of all methods after counting. Default: true. */
  readonly choosing?: boolean;
};

/**
 * Bytes of exposed tensors and weights per segment. Smaller values no longer reduce memory; larger ones no longer save time.
 */
const segmentLimit = 6 * 2 ** 20;

/** Counts of the measured tensors, by name. */
export type TensorCounts = {
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly images: number;
  /** Measured tensors that held an infinity, with the first such image; undefined if unknown. */
  readonly infinite?: ReadonlyMap<string, string>;
};

/** Raw counts, and the statistics derived from them. */
export type CollectedStatistics = { readonly counted: TensorCounts; readonly statistics: Statistics };

/** Runs the pass and returns only the statistics. @throws as `collect` */
export const collectStatistics = async (run: CalibrationRun): Promise<Statistics> =>
  (await collect(run)).statistics;

/**
 * Runs the calibration pass. The first batch is decoded while the network is opened.
 * @throws UserError CalibrationFailed, naming tensor and image, if an activation is NaN, or infinite where it needs a scale;
 * ImageInvalid
 */
export const collect = async (run: CalibrationRun): Promise<CollectedStatistics> => {
  const images = splitIntoMicroBatches(run);
  const first = images.next();
  first.catch(() => {}); // Awaited after the network is open; without this, Node sees an unhandled rejection first.
  const pool = new CalibrationPool(run.threads ?? countThreads());
  try {
    await openNetwork(pool, run);
    const { counted, thresholds } = await countImages(pool, run, prepend(first, images));
    const statistics = deriveStatistics(run.model, counted);
    if (run.choosing === false) return { counted, statistics };
    const left = [...new Set(statistics.histograms.values())].filter((each) => !thresholds.has(each));
    const all = new Map([...thresholds, ...(await pool.thresholds(left))]);
    return { counted, statistics: { ...statistics, thresholds: all } };
  } finally {
    await images.return(undefined);
    await pool.close();
  }
};

/** @throws UserError ModelInvalid, CalibrationFailed */
const openNetwork = async (
  pool: CalibrationPool,
  { model, input, shape, keepFloat }: CalibrationRun,
): Promise<void> => {
  const graph = buildCalibrationGraph(model);
  const facts = await inferTensorFacts(graph.model, { input, dims: shape });
  const measured = selectMeasured(graph, facts);
  const segments = splitIntoSegments(graph.model, { facts, measured, limit: segmentLimit });
  const scaled = mapToMeasured(listScaledTensors(model, keepFloat ?? []), graph);
  const { places, bytes } = placeOutputs(segments, facts);
  await pool.open({ input, measured, scaled, outputBytes: bytes }, segments, places);
};

const countImages = async (
  pool: CalibrationPool,
  { shape, progress, choosing = true }: CalibrationRun,
  all: AsyncIterable<Image>,
): Promise<{ readonly counted: TensorCounts; readonly thresholds: CountedTensors['thresholds'] }> => {
  let images = 0;
  const counted = (): void => {
    images += shape[0];
    progress(images);
  };
  for await (const image of all) await pool.count({ ...image, counted });
  const { histograms, thresholds } = await pool.finish(choosing);
  return { counted: { histograms, images, infinite: pool.infinite }, thresholds };
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

/** Splits batches into micro-batches, the inputs of one run. */
async function* splitIntoMicroBatches({ batches, shape, signal }: CalibrationRun): AsyncGenerator<Image> {
  const [rows] = shape;
  const length = shape.reduce((product, size) => product * size, 1);
  for await (const { data, paths } of batches) {
    for (let first = 0; first < paths.length; first += rows) {
      signal.throwIfAborted();
      const start = (first / rows) * length;
      const label = paths.slice(first, first + rows).join(', ');
      yield { tensor: { data: data.slice(start, start + length), dims: shape }, label };
    }
    freeBuffer(data);
  }
}

/** Statistics of all tensors of the cache from the measured ones. */
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

/** The measured tensor that a tensor is derived from. */
const rootOf = (name: string, graph: CalibrationGraph): string => {
  const from = graph.derived.get(name)?.from;
  return from === undefined ? name : rootOf(from, graph);
};

/** Histograms in cache order. A derived tensor comes after its source, as in the graph. */
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
