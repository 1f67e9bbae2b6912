/** Opens the model of `-m`: decrypts, parses and converts it, and checks it against its architecture. */

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

/** A model ready to export, with its ports. */
export type OpenedModel = FloatContent &
  Omit<ModelInput, 'layout' | 'elementType'> & {
    /** SHA-256 of the given file. */
    readonly sha256: string;
    readonly input: string;
    readonly outputs: readonly string[];
    /** Preprocessing of images from a folder: as the user, the spec or the architecture defines it. */
    readonly preprocessing: Preprocessing;
  };

/** Where the model is, and what is known about it. */
export type ModelSource = {
  readonly path: string;
  readonly key: string;
  readonly architecture: Architecture;
  /** Decrypts files that age did not encrypt. */
  readonly cipher?: Cipher | undefined;
  /** The experiment spec of its training, if given. */
  readonly spec?: ExperimentSpec | undefined;
  /** Settings of the user for the model. */
  readonly settings?: ModelSettings | undefined;
  /** See `ContentSource.weightsLimit`. */
  readonly weightsLimit?: number;
};

/**
 * Opens a model for export.
 * @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, SpecInvalid, and those of
 * the cipher
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
    settings: settings?.preprocess,
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

/** Brings the content to normal form; the payload stays unchanged if that makes no difference. */
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

/** Adds the path to UserErrors of `read`. */
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
    `Opening ${path}: its weights take ${rawBytesOf(model)} bytes, and an .etlt contains one ONNX file, which is limited to 2 GiB. Prune and retrain the model; or write an ONNX model with external weights using tlt-model convert, and build an engine from it using trtexec.`,
  );
