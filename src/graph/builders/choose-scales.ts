/**
 * Chooses the scales of an int8 engine of ONNX Runtime: of those that the calibration found by several methods, with and without
 * the extents of tensors, the ones whose outputs are closest to float on held-out images.
 */
import { readFile } from 'node:fs/promises';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { parseTensor } from '../../formats/onnx/tensor-file.ts';
import { cacheMethod, readDistributions } from '../../formats/scales/tensor-distributions.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import type { AgreementSum } from '../evaluation/agreement.ts';
import type { FloatTensor, FloatTensors } from '../inference/session.ts';
import { withSessionThreads } from '../inference/session-thread.ts';
import { toWorkingModel } from '../inference/working-model.ts';
import { prepareFused, quantiseWith } from '../precision/fused/fused-qdq.ts';
import type { Scales } from '../precision/qdq.ts';
import { toNormalForm } from '../transforms/normal-form.ts';
import { type Candidate, type Closest, findClosest } from './compare-candidates.ts';
import { readIntegerTypes } from './processor-integers.ts';

/** Files of a choice. */
export type ScaleChoice = {
  /** Path of `TensorDistributions`, the scales of the calibration cache among the methods. */
  readonly distributions: string;
  /** Path of an ONNX TensorProto [N,C,H,W] of held-out images. */
  readonly images: string;
  /** Outputs of the float graph for the images, one by one; used if there are some for each image. */
  readonly float?: readonly FloatTensors[] | undefined;
};

/** What is built. */
export type ChosenBuild = {
  /** Path of the float graph. */
  readonly reference: string;
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  /** [1,C,H,W], or another first size if the graph accepts only that. */
  readonly shape: readonly number[];
};

/** The graph to build, as the bytes of an ONNX file, and a sentence on its scales. */
export type ChosenGraph = { readonly model: Uint8Array; readonly note: string };

/** The note of an int8 engine without integers. */
export const noIntegers =
  'No layer has enough products for each result to be faster with integers, so the engine computes in float, as one of fp32 does.';

/** Chooses. @throws UserError CacheInvalid, EngineUnsupported, and as a session */
export const chooseScales = (build: ChosenBuild, choice: ScaleChoice): Promise<ChosenGraph> =>
  withSessionThreads(2, async (threads) => {
    const { extents, scales: methods } = readDistributions(await readFile(choice.distributions, 'utf8'));
    const float = await readFile(build.reference);
    const prepared = prepareFused(await readFloat(float));
    const types = readIntegerTypes();
    const cache = quantiseWith(prepared, { scales: cacheAmong(methods), types });
    if (!graphOf(cache).node.some(({ opType }) => opType === 'QuantizeLinear'))
      return { model: serializeModel(cache), note: noIntegers };
    const given: Candidate = { what: cacheMethod, make: () => serializeModel(cache) };
    const others = [...methods].map(
      ([method, scales]): Candidate => ({
        what: `${method}, within the extents of tensors`,
        make: () => serializeModel(quantiseWith(prepared, { scales, extents, types })),
      }),
    );
    const images = splitBatches(parseTensor(await readFile(choice.images)), build.shape[0]!);
    const known = choice.float?.length === images.length ? choice.float : undefined;
    const yardstick = { ...build, float: known ?? float, images };
    // The last method, Mse, is the closest most often, and the sooner it is known, the sooner the others end.
    const closest = await findClosest(threads, yardstick, [given, ...others.toReversed()]);
    return { model: closest.best.model, note: describeChoice(closest, images) };
  });

const cacheAmong = (methods: ReadonlyMap<string, Scales>): Scales => {
  const scales = methods.get(cacheMethod);
  if (scales) return scales;
  throw new UserError(
    'CacheInvalid',
    'Reading the distributions of tensors: the scales of the calibration cache are not among them. Export again with calibration data.',
  );
};

/** The float graph with the tensor names of the calibration. */
const readFloat = async (float: Uint8Array): Promise<ModelProto> =>
  toWorkingModel(toNormalForm(parseCompleteModel(float)).model);

const describeChoice = ({ best, first }: Closest, images: readonly FloatTensor[]): string => {
  const count = images.reduce((sum, { dims }) => sum + dims[0]!, 0);
  const figure = (sum: AgreementSum) => `${sum.agreement().sqnrDb.toFixed(1)} dB`;
  const before = best.sum === first ? '' : `, ${figure(first)} with the cache alone`;
  return `The engine has the scales of ${best.what}: SQNR ${figure(best.sum)} on ${count} held-out images${before}.`;
};

/** Whole batches of a size that the model takes. */
const splitBatches = (tensor: ReturnType<typeof parseTensor>, size: number): readonly FloatTensor[] => {
  const [images = 0, ...image] = tensor.dims.map(Number);
  const data = floatsOf(tensor);
  const values = size * image.reduce((product, side) => product * side, 1);
  return Array.from({ length: Math.floor(images / size) }, (_, i) => ({
    data: data.slice(i * values, (i + 1) * values),
    dims: [size, ...image],
  }));
};
