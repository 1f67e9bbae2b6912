/**
 * Accuracy and latency of int8 before any engine is built: the Q/DQ graph compared with the float graph, both in ONNX
 * Runtime, on held-out images.
 */

import { type Batch, sampledBatches } from '../../data/preprocessing/batches.ts';
import type { ErrorBudget } from '../../data/preprocessing/decodable-images.ts';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../formats/onnx/model.ts';
import { readIntegerTypes } from '../../graph/builders/processor-integers.ts';
import { type Agreement, AgreementSum } from '../../graph/evaluation/agreement.ts';
import { outputRoles } from '../../graph/evaluation/output-roles.ts';
import { blankImages, measureMedianLatencies } from '../../graph/inference/latency.ts';
import {
  type FloatTensor,
  type FloatTensors,
  openSession,
  type Session,
} from '../../graph/inference/session.ts';
import { withSessionThreads } from '../../graph/inference/session-thread.ts';
import { exposeHeads } from '../../graph/plugins/heads.ts';
import { quantiseFused } from '../../graph/precision/fused/fused-qdq.ts';
import { convertPlugins } from '../../graph/precision/precision.ts';
import { quantiseModel, type Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { freeBuffer } from '../../ground/base/release.ts';
import type { OpenedModel } from '../models/open-model.ts';

/** Median latencies of one run. */
export type PrecisionLatency = { readonly floatMicroseconds: number; readonly int8Microseconds: number };

/** Enough images for a stable figure, few enough to take seconds. */
const mostImages = 32;
const imagesAtOnce = 4;

/**
 * Selects held-out images, as many as are ever compared. The broken-image tolerance applies to them too: if there is
 * one, each image is decoded, and broken ones are left out.
 */
export const selectHeldOut = async (
  { fixedBatch = 1 }: OpenedModel,
  heldOut: AsyncIterable<SampledImage> | Iterable<SampledImage>,
  errorBudget: ErrorBudget | undefined,
): Promise<readonly SampledImage[]> => {
  const some: SampledImage[] = [];
  for await (const image of heldOut) {
    const broken = errorBudget?.share ? await findImageFault(image) : undefined;
    if (broken) errorBudget?.onBroken(broken);
    else some.push(image);
    if (some.length === Math.max(mostImages, fixedBatch)) break;
  }
  return some;
};

const findImageFault = async ({ load }: SampledImage): Promise<UserError | undefined> => {
  try {
    await load();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'ImageInvalid') return thrown;
    throw thrown;
  }
};

/** Batches of held-out images with the graph's batch size; undefined if there are too few for one run. */
export const batchHeldOut = (
  { channels, height, width, fixedBatch }: OpenedModel,
  heldOut: readonly SampledImage[],
): AsyncIterable<Batch> | undefined => {
  const whole = fixedBatch ?? 1;
  const count = Math.floor(Math.min(heldOut.length, Math.max(mostImages, whole)) / whole) * whole;
  if (count === 0) return undefined;
  const size = { channels, height, width };
  return sampledBatches(heldOut.slice(0, count), { size, batchSize: fixedBatch ?? imagesAtOnce });
};

/** The error for a comparison without held-out images. */
export const noHeldOutImages = (doing: string): UserError =>
  new UserError(
    'TooFewImages',
    `${doing}: calibration used every image, so none is left to compare on. Add images to the folder, or use fewer batches.`,
  );

/** Batches to compare on, whose memory is freed after the comparison. */
export type AgreementRequest = { readonly batches: AsyncIterable<Batch>; readonly signal?: AbortSignal };

type Visit = (compared: ComparedBatch) => void;

/**
 * Agreement of int8 with float over every float output of the graph and the inputs of its plugin nodes. `visit` sees each batch too.
 */
export const measureInt8Agreement = async (
  opened: OpenedModel,
  scales: Scales,
  { visit, ...request }: AgreementRequest & { readonly visit?: Visit },
): Promise<Agreement> => {
  const sum = new AgreementSum(outputRoles(opened.model, opened.outputs));
  const add = (compared: ComparedBatch): void => {
    sum.add(compared.wanted, compared.found, compared.images);
    visit?.(compared);
  };
  await compareInt8(opened, [scales], { ...request, visit: add });
  return sum.agreement();
};

/** Outputs of float and of int8 for one batch. */
export type ComparedBatch = {
  readonly wanted: FloatTensors;
  readonly found: FloatTensors;
  readonly images: number;
  /** Index of the scales of int8. The outputs are freed after the visit. */
  readonly candidate: number;
};

type Comparing = AgreementRequest & { readonly visit: Visit };

/** Sessions of a comparison: one processor each, and int8 as TensorRT computes it. */
const sideBySide = { threads: 1, roundsInFloat: true } as const;

/**
 * Runs float once on each batch, and int8 with each of several scales. Each graph has a thread, which opens it while this one makes the
 * next graph, and has the next batch before the outputs of this one are visited. @throws UserError as `openSession`
 */
export const compareInt8 = (
  opened: OpenedModel,
  candidates: readonly Scales[],
  { batches, signal, visit }: Comparing,
): Promise<void> =>
  withSessionThreads(1 + candidates.length, async (sessions) => {
    const graphs = listGraphs({ opened, candidates, quantise: quantiseModel });
    await Promise.all(graphs.map((make, i) => sessions[i]!.open(make(), sideBySide)));
    const compare = async ({ data, dims }: Batch): Promise<void> => {
      const feeds = { [opened.input]: { data, dims } };
      const [wanted, ...found] = await Promise.all(sessions.map((session) => session.run(feeds)));
      for (const [candidate, outputs] of found.entries())
        visit({ wanted: wanted!, found: outputs, images: dims[0], candidate });
      for (const tensor of [{ data }, ...[wanted!, ...found].flatMap(Object.values<FloatTensor>)])
        freeBuffer(tensor.data);
    };
    let before = Promise.resolve();
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const compared = compare(batch);
      compared.catch(() => {}); // Reported when it is awaited; without this, Node sees an unhandled rejection first.
      await before;
      before = compared;
    }
    await before;
  });

/**
 * Median latency of one run at the graph's smallest batch on this processor, int8 as in an OnnxRuntime engine. @throws
 * UserError as `measureInt8Agreement`
 */
export const measurePrecisionLatency = (
  opened: OpenedModel,
  scales: Scales,
  { clock, signal }: { readonly clock: { now(): number }; readonly signal?: AbortSignal },
): Promise<PrecisionLatency> =>
  withSessions({ opened, candidates: [scales], quantise: quantiseHere }, async ({ float, int8 }) => {
    const shape = [opened.fixedBatch ?? 1, opened.channels, opened.height, opened.width];
    const images = blankImages(shape);
    const [floatMicroseconds, int8Microseconds] = await measureMedianLatencies([float, int8], {
      inputName: opened.input,
      images,
      clock,
      ...(signal && { signal }),
    });
    return { floatMicroseconds: floatMicroseconds!, int8Microseconds: int8Microseconds! };
  });

type FloatAndInt8 = { readonly float: Session; readonly int8: Session };

const quantiseHere = (model: ModelProto, scales: Scales): ModelProto =>
  quantiseFused(model, { scales, types: readIntegerTypes() });

type Opening = {
  readonly opened: OpenedModel;
  readonly candidates: readonly Scales[];
  readonly quantise: (model: ModelProto, scales: Scales) => ModelProto;
};

/** Makes the ONNX file of a graph. */
type MakeGraph = () => Uint8Array<ArrayBuffer>;

/** The float graph, and the int8 graph of each scales. */
const listGraphs = ({ opened, candidates, quantise }: Opening): readonly [MakeGraph, ...MakeGraph[]] => {
  const { model } = exposeHeads(opened.model);
  const serialize = (each: ModelProto) =>
    serializeModel(convertPlugins('NonMaxSuppression', each)) as Uint8Array<ArrayBuffer>;
  const ofScales =
    (scales: Scales): MakeGraph =>
    () =>
      serialize(quantise(model, scales));
  return [() => serialize(model), ...candidates.map(ofScales)];
};

const withSessions = async <T>(opening: Opening, use: (both: FloatAndInt8) => Promise<T>): Promise<T> => {
  const [makeFloat, makeInt8] = listGraphs(opening);
  const float = await openSession(makeFloat());
  try {
    const int8 = await openSession(makeInt8!());
    try {
      return await use({ float, int8 });
    } finally {
      await int8.release();
    }
  } finally {
    await float.release();
  }
};
