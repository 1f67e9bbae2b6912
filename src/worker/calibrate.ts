/**
 * One pass over the calibration images: every float tensor of the graph gets a histogram, and all thresholds come
 * from the histograms afterwards. Memory does not grow with the number of images.
 */
import { UserError } from '../base/errors.ts';
import { BitCounter } from '../calibration/bit-counter.ts';
import type { Histogram } from '../calibration/histogram.ts';
import { type Algorithm, int8Levels, thresholdOf } from '../calibration/thresholds.ts';
import { type CalibrationGraph, calibrationGraph } from '../engines/calibration-graph.ts';
import { openSession, type Session } from '../engines/session.ts';
import { leastScale } from '../formats/calibration-cache.ts';
import type { ModelProto } from '../formats/generated/onnx_pb.ts';
import { serializeModel } from '../formats/onnx/model.ts';
import type { Batch } from '../preprocessing/batches.ts';

export type Statistics = {
  /** In the order of the cache: inputs first, then topological. */
  readonly tensors: readonly string[];
  readonly histogramOf: (tensor: string) => Histogram;
  readonly tied: readonly (readonly string[])[];
  readonly images: number;
};

export type CalibrationRun = {
  readonly model: ModelProto;
  readonly input: string;
  readonly batches: AsyncIterable<Batch>;
  /** Called after each batch with the number of images seen so far. */
  readonly progress: (images: number) => void;
  readonly signal: AbortSignal;
};

/** @throws UserError CalibrationFailed naming tensor and images when an activation is NaN or infinite, ImageInvalid */
export const collectStatistics = async (run: CalibrationRun): Promise<Statistics> => {
  const graph = calibrationGraph(run.model);
  const session = await openSession(serializeModel(graph.model), { optimisation: 'disabled' });
  try {
    return await measured(run, graph, session);
  } finally {
    await session.release();
  }
};

const measured = async (
  run: CalibrationRun,
  graph: CalibrationGraph,
  session: Session,
): Promise<Statistics> => {
  const floats = session.outputs.filter(({ type }) => type === 'float32').map(({ name }) => name);
  const fetches = floats.filter((name) => !graph.aliases.has(name));
  const counters = new Map([run.input, ...fetches].map((name) => [name, new BitCounter()]));
  let images = 0;
  for await (const { data, dims, paths } of run.batches) {
    run.signal.throwIfAborted();
    const outputs = await session.run({ [run.input]: { data, dims } }, fetches);
    count(counters, { ...outputs, [run.input]: { data } }, paths);
    images += paths.length;
    run.progress(images);
  }
  const histograms = new Map([...counters].map(([name, counter]) => [name, counter.histogram()]));
  const histogramOf = (tensor: string): Histogram => histograms.get(graph.aliases.get(tensor) ?? tensor)!;
  const tensors = graph.tensors.filter((name) => histograms.has(graph.aliases.get(name) ?? name));
  return { tensors, histogramOf, tied: graph.tied, images };
};

const count = (
  counters: ReadonlyMap<string, BitCounter>,
  values: Readonly<Record<string, { readonly data: Float32Array }>>,
  paths: readonly string[],
): void => {
  for (const [name, counter] of counters)
    if (!counter.add(values[name]!.data))
      throw new UserError(
        'CalibrationFailed',
        `Calibrating: tensor ${name} became NaN or infinite on one of these images: ${paths.join(', ')}. Check that the model, the images and --data_type fit each other.`,
      );
};

/**
 * Scale of each tensor, threshold / 127. Tensors that a Concat lays side by side share the largest of their scales.
 * A tensor that was zero throughout gets the least positive scale, since no engine can divide by zero.
 */
export const scalesOf = (
  { tensors, histogramOf, tied }: Statistics,
  algorithm: Algorithm,
): Map<string, number> => {
  const thresholds = new Map<Histogram, number>();
  const scaleOf = (tensor: string): number => {
    const histogram = histogramOf(tensor);
    const threshold = thresholds.get(histogram) ?? thresholdOf(histogram, algorithm);
    thresholds.set(histogram, threshold);
    return Math.max(leastScale, Math.fround(threshold / int8Levels));
  };
  const scales = new Map(tensors.map((tensor) => [tensor, scaleOf(tensor)]));
  for (const group of joined(
    tied.map((names) => names.filter((name) => scales.has(name))),
    histogramOf,
    tensors,
  )) {
    const largest = Math.max(...group.map((name) => scales.get(name)!));
    for (const name of group) scales.set(name, largest);
  }
  return scales;
};

/** Groups that share a tensor, or two names of one distribution, are one group: chained Concats end with one scale. */
const joined = (
  groups: readonly (readonly string[])[],
  histogramOf: Statistics['histogramOf'],
  tensors: readonly string[],
): readonly (readonly string[])[] => {
  const groupOf = new Map<Histogram, Set<Histogram>>();
  for (const group of groups) {
    const merged = new Set(
      group.flatMap((name) => [...(groupOf.get(histogramOf(name)) ?? [histogramOf(name)])]),
    );
    for (const histogram of merged) groupOf.set(histogram, merged);
  }
  const distinct = [...new Set(groupOf.values())];
  return distinct.map((merged) => tensors.filter((name) => merged.has(histogramOf(name))));
};
