/** The model behind `-m`: decrypted, parsed, and held against what its architecture must look like. */

import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { rawBytesOf, serializeModel } from '../../formats/onnx/model.ts';
import { requireNoForeignQuantisers } from '../../graph/precision/foreign-quantisers.ts';
import { toNormalForm } from '../../graph/transforms/normal-form.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ModelSettings } from '../../ground/contract/model-settings.ts';
import { adaptInput } from './adapted-input.ts';
import { type FloatContent, toFloatContent } from './float-content.ts';
import { type ModelInput, resolveModelInput } from './image-input.ts';
import { makeDetectorOptions } from './keras-detector.ts';
import { type ModelContent, readContent } from './model-content.ts';
import { choosePreprocessing } from './pixel-rule.ts';
import { findPorts } from './ports.ts';

export type OpenedModel = FloatContent &
  Omit<ModelInput, 'layout' | 'elementType'> & {
    /** Digest of the file as it was found. */
    readonly sha256: string;
    readonly input: string;
    readonly outputs: readonly string[];
    /** What is done to pictures of a folder: as the user or the spec says, or as the architecture does. */
    readonly preprocessing: Preprocessing;
  };

export type ModelSource = {
  readonly path: string;
  readonly key: string;
  readonly architecture: Architecture;
  /** Opens what age did not encrypt. */
  readonly cipher?: Cipher | undefined;
  /** The spec of its training, if one is given. */
  readonly spec?: ExperimentSpec | undefined;
  /** What the user says of the model. */
  readonly settings?: ModelSettings | undefined;
  /** As `ContentSource` has it. */
  readonly weightsLimit?: number;
};

/**
 * @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, SpecInvalid, and what the
 * cipher throws
 */
export const openModel = async (source: ModelSource): Promise<OpenedModel> => {
  const { path, key, architecture, cipher, spec, settings, weightsLimit } = source;
  const keras = async () => makeDetectorOptions(architecture, spec);
  const found = await readContent({ path, key: async () => key, cipher, keras, weightsLimit });
  const { isRewritten, ...normal } = normaliseContent(path, found);
  const { input, outputs } = findPorts(graphOf(normal.model), { path, architecture, names: settings?.ports });
  const image = resolveModelInput(input, { path, dims: settings?.inputDims, sides: spec?.sides });
  const { channels, height, width, fixedBatch, elementType } = image;
  const preprocessing = choosePreprocessing({
    path,
    architecture,
    channels,
    elementType,
    said: settings?.preprocess,
    ofSpec: spec?.imagePreprocessing,
  });
  const adapted = replaceModel(normal, adaptInput(normal.model, input.name, image));
  const { payload } = adapted;
  if (!payload) throw tooLarge(path, adapted.model);
  const asFound = isRewritten ? adaptInput(found.model, input.name, image).model : undefined;
  const content = await toFloatContent({ ...adapted, payload, rewritten: asFound });
  const size = { channels, height, width, fixedBatch };
  return { ...content, sha256: found.sha256, input: input.name, outputs, ...size, preprocessing };
};

/** The content in normal form; the file stays as it was found where that says the same. */
const normaliseContent = (path: string, found: ModelContent): ModelContent & Pick<Rewrite, 'isRewritten'> => {
  const normal = addPath(path, () => toNormalForm(found.model));
  addPath(path, () => requireNoForeignQuantisers(normal.model));
  return { ...replaceModel(found, normal), isRewritten: normal.isRewritten };
};

type Rewrite = { readonly model: ModelProto; readonly isRewritten: boolean };

const replaceModel = (found: ModelContent, { model, isRewritten }: Rewrite): ModelContent => ({
  ...found,
  model,
  ...(isRewritten && found.payload && { payload: serializeModel(model) }),
});

/** Says which file an error is about. */
const addPath = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(thrown.reason, `Opening ${path}: ${thrown.message}`, { cause: thrown });
  }
};

const tooLarge = (path: string, model: ModelProto): UserError =>
  new UserError(
    'ModelUnsupported',
    `Opening ${path}: its weights take ${rawBytesOf(model)} bytes, and an .etlt holds one ONNX file, which can have less than 2 GiB. Prune the model and train it again, or make an ONNX with its weights beside it by tlt-model convert, and build an engine of that by trtexec.`,
  );
