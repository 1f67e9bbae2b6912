/** The model behind `-m`: decrypted, parsed, and held against what its architecture must look like. */

import { type Preprocessing, preprocessingOf } from '../../data/preprocessing/normalise.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, inputsOf, isQat, outputsOf, shapeOf } from '../../formats/onnx/graph.ts';
import { rawBytesOf, serializeModel } from '../../formats/onnx/model.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import { peelQat } from '../../graph/precision/qat.ts';
import { trainedRanges } from '../../graph/precision/qat-ranges.ts';
import { normalForm } from '../../graph/transforms/normal-form.ts';
import { UserError } from '../../ground/base/errors.ts';
import { requireWithin } from '../../ground/base/limits.ts';
import {
  type Architecture,
  type ArchitectureRow,
  architectures,
} from '../../ground/contract/architectures.ts';
import { detectorWish } from './keras-detector.ts';
import { type ModelContent, readContent } from './model-content.ts';

export type OpenedModel = {
  /** Plain float: what training with quantisation put into it is taken out. */
  readonly model: ModelProto;
  /** The ONNX file as it will lie in the `.etlt`. */
  readonly payload: Uint8Array;
  /** Digest of the file as it was found. */
  readonly sha256: string;
  readonly input: string;
  readonly outputs: readonly string[];
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** What is done to pictures of a folder: as the spec says, or as the architecture does. */
  readonly preprocessing: Preprocessing;
  /** Images that go through the graph at once where it says so; undefined where any number may. */
  readonly fixedBatch: number | undefined;
  /**
   * Ranges by the graph's own names, of a model that was trained with quantisation; undefined for any other.
   * Throws UserError ModelUnsupported if no engine can take them; a calibration can still replace them.
   */
  readonly trainedRanges: (() => TensorRanges) | undefined;
};

export type ModelSource = {
  readonly path: string;
  readonly key: string;
  readonly architecture: Architecture;
  /** Opens what age did not encrypt. */
  readonly cipher?: Cipher | undefined;
  /** The spec of its training, if one is given. */
  readonly spec?: ExperimentSpec | undefined;
  /** As `ContentSource` has it. */
  readonly weightsLimit?: number;
};

/**
 * @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, SpecInvalid, and what the
 * cipher throws
 */
export const openModel = async (source: ModelSource): Promise<OpenedModel> => {
  const { path, key, architecture, cipher, spec, weightsLimit } = source;
  const keras = async () => detectorWish(architecture, spec);
  const found = await readContent({ path, key: async () => key, cipher, keras, weightsLimit });
  const content = floatContent(path, normalised(path, found));
  const ports = portsOf(path, content.model, architecture);
  const preprocessing = spec?.imagePreprocessing ?? preprocessingOf(architecture, ports.channels);
  if (preprocessing.mean.length !== ports.channels)
    throw new UserError(
      'SpecInvalid',
      `Opening ${path}: the spec gives means for ${preprocessing.mean.length} channels, and the model takes ${ports.channels}. Name the spec that this model was trained with.`,
    );
  return { ...content, sha256: found.sha256, ...ports, preprocessing };
};

/** The content in normal form; the file stays as it was found where that says the same. */
const normalised = (path: string, found: ModelContent): ModelContent => {
  const { model, isRewritten } = within(path, () => normalForm(found.model));
  return { ...found, model, ...(isRewritten && found.payload && { payload: serializeModel(model) }) };
};

/** Says which file an error is about. */
const within = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(thrown.reason, `Opening ${path}: ${thrown.message}`, { cause: thrown });
  }
};

type Content = Pick<OpenedModel, 'model' | 'payload' | 'trainedRanges'>;

/** The graph without the scales of its training, and those scales. */
const floatContent = (path: string, { model, payload, keras }: ModelContent): Content => {
  if (!payload) throw tooLarge(path, model);
  if (keras || !isQat(model)) return { model, payload, trainedRanges: keras?.trainedRanges };
  const peeled = peelQat(model);
  return {
    model: peeled.model,
    payload: serializeModel(peeled.model),
    trainedRanges: () => trainedRanges(peeled.pairs),
  };
};

const tooLarge = (path: string, model: ModelProto): UserError =>
  new UserError(
    'ModelUnsupported',
    `Opening ${path}: its weights take ${rawBytesOf(model)} bytes, and an .etlt holds one ONNX file, which can have less than 2 GiB. Prune the model and train it again, or make an ONNX with its weights beside it by tlt-model convert, and build an engine of that by trtexec.`,
  );

type Ports = Omit<OpenedModel, keyof Content | 'sha256' | 'preprocessing'>;

/** Converters by way of TensorFlow leave `:0` at the end of a name. */
const isNamed = (name: string, wanted: string): boolean => name === wanted || name === `${wanted}:0`;

const portsOf = (path: string, model: ModelProto, architecture: Architecture): Ports => {
  const graph = graphOf(model);
  const row: ArchitectureRow = architectures[architecture];
  const inputs = inputsOf(graph);
  const found = outputsOf(graph).map(({ name }) => name);
  const input = inputs.find(({ name }) => isNamed(name, row.input));
  const outputs = [row.outputs, ...(row.otherOutputs ?? [])]
    .map((wanted) => allNamed(found, wanted))
    .find((names) => names !== undefined);
  if (!input || inputs.length !== 1 || !outputs)
    throw new UserError(
      'ModelUnsupported',
      `Opening ${path} as ${architecture}: its inputs are ${listed(inputs.map(({ name }) => name))} and its outputs ${listed(found)}, where ${architecture} has input ${row.input} and outputs ${listed(row.outputs)}. Choose the module that the model was trained as.`,
    );
  return { input: input.name, outputs, ...sizeOf(path, shapeOf(input)) };
};

/** What the graph calls all of the wanted outputs; undefined if it lacks one. */
const allNamed = (found: readonly string[], wanted: readonly string[]): string[] | undefined => {
  const names = wanted.flatMap((name) => found.find((each) => isNamed(each, name)) ?? []);
  return names.length === wanted.length ? names : undefined;
};

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

const sizeOf = (path: string, shape: readonly unknown[] | undefined) => {
  const [batch, channels, height, width] = shape ?? [];
  if (shape?.length !== 4 || (channels !== 1 && channels !== 3) || !isSize(height) || !isSize(width))
    throw new UserError(
      'ModelUnsupported',
      `Opening ${path}: its input has shape [${shape?.map((size) => size ?? '?').join(', ') ?? 'unknown'}], and [N, 3 or 1, height, width] with a fixed size is needed. Export the model with a fixed input size.`,
    );
  const fixedBatch = isSize(batch) ? batch : undefined;
  requireBounded(path, { batch: fixedBatch ?? 1, channels, height, width });
  return { channels, height, width, fixedBatch } as const;
};

type Shape = Readonly<Record<'batch' | 'channels' | 'height' | 'width', number>>;

/** @throws UserError ModelUnsupported */
const requireBounded = (path: string, { batch, channels, height, width }: Shape): void => {
  const found = `Opening ${path}: its input has`;
  const reason = 'ModelUnsupported';
  requireWithin('imagePixels', { claimed: height * width, reason, found });
  requireWithin('inputBytes', { claimed: batch * channels * height * width * floatBytes, reason, found });
};

const floatBytes = 4;

const isSize = (size: unknown): size is number => typeof size === 'number' && size > 0;
