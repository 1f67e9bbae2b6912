/**
 * Chooses the scales of an int8 engine of ONNX Runtime: of those that the calibration found by several methods, with and without
 * the extents of tensors, the ones whose outputs are closest to float on held-out images.
 */
import { readFile } from 'node:fs/promises';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import { floatsOf } from '../../formats/onnx/tensor.ts';
import { parseTensor } from '../../formats/onnx/tensor-file.ts';
import { readDistributions } from '../../formats/scales/tensor-distributions.ts';
import type { OutputRoles } from '../../ground/contract/output-roles.ts';
import { AgreementSum } from '../evaluation/agreement.ts';
import { type FloatTensor, openSession, type Session } from '../inference/session.ts';
import { toWorkingModel } from '../inference/working-model.ts';
import { prepareFused, quantiseWith } from '../precision/fused/fused-qdq.ts';
import { toNormalForm } from '../transforms/normal-form.ts';
import { readEngineIntegers } from './engine-integers.ts';
import { readIntegerTypes } from './processor-integers.ts';

/** Files of a choice. */
export type ScaleChoice = {
  /** Path of `TensorDistributions`, the scales of the calibration cache among the methods. */
  readonly distributions: string;
  /** Path of an ONNX TensorProto [N,C,H,W] of held-out images. */
  readonly images: string;
};

/** What is built. */
export type ChosenBuild = {
  /** Paths of the int8 graph with the scales of the cache, and of the float graph. */
  readonly model: string;
  readonly reference: string;
  readonly inputName: string;
  readonly outputRoles: OutputRoles;
  /** [1,C,H,W], or another first size if the graph accepts only that. */
  readonly shape: readonly number[];
};

/** The graph to build: a path or an ONNX file's bytes, and a sentence on its scales. */
export type ChosenGraph = { readonly model: string | Uint8Array; readonly note: string };

/** The note of an int8 engine without integers. */
export const noIntegers =
  'No layer has enough products for each result to be faster with integers, so the engine computes in float, as one of fp32 does.';

/** Chooses; undefined if no operator would compute with integers. @throws UserError CacheInvalid, and as a session */
export const chooseScales = async (
  build: ChosenBuild,
  choice: ScaleChoice,
): Promise<ChosenGraph | undefined> => {
  if ((await readEngineIntegers(build.model)) === undefined) return undefined;
  const { extents, scales: methods } = readDistributions(await readFile(choice.distributions, 'utf8'));
  const images = splitBatches(parseTensor(await readFile(choice.images)), build.shape[0]!);
  const measure = await compareWithFloat(build, images);
  const cached = (await measure(build.model))!;
  const given: Measured = { model: build.model, sum: cached, what: 'the cache' };
  let best = given;
  const float = prepareFused(await readFloat(build.reference));
  const types = readIntegerTypes();
  for (const [method, scales] of methods) {
    const graph = quantiseWith(float, { scales, extents, types });
    const model = serializeModel(graph);
    const sum = await measure(model, best.sum);
    if (sum && decibelsOf(sum) > decibelsOf(best.sum))
      best = { model, sum, what: `${method}, within the extents of tensors` };
  }
  return { model: best.model, note: describeChoice(best, given, images) };
};

/** The float graph with the tensor names of the calibration. */
const readFloat = async (path: string): Promise<ModelProto> =>
  toWorkingModel(toNormalForm(parseCompleteModel(await readFile(path))).model);

type Measured = ChosenModel & { readonly sum: AgreementSum; readonly what: string };
type ChosenModel = Pick<ChosenGraph, 'model'>;

const decibelsOf = (sum: AgreementSum): number => sum.agreement().sqnrDb;

const describeChoice = (best: Measured, given: Measured, images: readonly FloatTensor[]): string => {
  const count = images.reduce((sum, { dims }) => sum + dims[0]!, 0);
  const figure = ({ sum }: Measured) => `${decibelsOf(sum).toFixed(1)} dB`;
  const before = best === given ? '' : `, ${figure(given)} with the cache alone`;
  return `The engine has the scales of ${best.what}: SQNR ${figure(best)} on ${count} held-out images${before}.`;
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

/** Compares a model with float over all outputs; undefined as soon as it cannot be better than `best`. */
type Measure = (model: string | Uint8Array, best?: AgreementSum) => Promise<AgreementSum | undefined>;

/** The float model runs once. */
const compareWithFloat = async (
  { reference, inputName, outputRoles }: ChosenBuild,
  images: readonly FloatTensor[],
): Promise<Measure> => {
  const wanted = await withSession(reference, async (session) => {
    const outputs = [];
    for (const image of images) outputs.push(await session.run({ [inputName]: image }));
    return outputs;
  });
  return (model, best) =>
    withSession(model, async (session) => {
      const sum = new AgreementSum(outputRoles);
      for (const [i, image] of images.entries()) {
        if (best && sum.cannotExceed(best)) return undefined;
        sum.add(wanted[i]!, await session.run({ [inputName]: image }), image.dims[0]!);
      }
      return sum;
    });
};

const withSession = async <T>(
  model: string | Uint8Array,
  use: (session: Session) => Promise<T>,
): Promise<T> => {
  const session = await openSession(model);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
};
