/** Opens the model of `-m`: decrypts, parses and converts it, and checks it against its architecture. */

import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import type { GraphProto, ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { rawBytesOf, serializeModel } from '../../formats/onnx/model.ts';
import { requireNoForeignQuantisers } from '../../graph/precision/foreign-quantisers.ts';
import { toNormalForm } from '../../graph/transforms/normal-form.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ModelSettings } from '../../ground/contract/model-settings.ts';
import { adaptInput } from './adapted-input.ts';
import { type FloatContent, toFloatContent } from './float-content.ts';
import { type ModelInput, resolveModelInput, type SizeRequest } from './image-input.ts';
import { makeDetectorOptions } from './keras-detector.ts';
import { type ContentSource, type ModelContent, readContent } from './model-content.ts';
import { choosePreprocessing } from './pixel-rule.ts';
import { findPorts, type Ports } from './ports.ts';

/** A network of one image input, ready for an engine. */
export type OpenedNetwork = FloatContent &
  Omit<ModelInput, 'layout'> & {
    /** SHA-256 of the given file. */
    readonly sha256: string;
    readonly input: string;
    readonly outputs: readonly string[];
  };

/** A model ready to export, with its ports. */
export type OpenedModel = Omit<OpenedNetwork, 'elementType'> & {
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
  const { path, key, architecture, spec, settings } = source;
  const network = await openNetwork({
    ...source,
    key: async () => key,
    keras: async () => makeDetectorOptions(architecture, spec),
    ports: (graph) => findPorts(graph, { path, architecture, names: settings?.ports }),
    dims: settings?.inputDims,
    sides: spec?.sides,
  });
  const { channels, elementType, ...opened } = network;
  const preprocessing = choosePreprocessing({
    path,
    architecture,
    channels,
    elementType,
    settings: settings?.preprocess,
    ofSpec: spec?.imagePreprocessing,
  });
  return { ...opened, channels, preprocessing };
};

/** Where a network is, which ports it has, and sizes that its graph leaves open. */
export type NetworkSource = ContentSource &
  Omit<SizeRequest, 'path'> & { readonly ports: (graph: GraphProto) => Ports };

/**
 * Opens a network of any architecture.
 * @throws UserError as `openModel`, and those of `ports`
 */
export const openNetwork = async (source: NetworkSource): Promise<OpenedNetwork> => {
  const { path, ports, dims, sides } = source;
  const found = await readContent(source);
  const { isRewritten, ...normal } = normaliseContent(path, found);
  const { input, outputs } = ports(graphOf(normal.model));
  const image = resolveModelInput(input, { path, dims, sides });
  const adapted = replaceModel(normal, adaptInput(normal.model, input.name, image));
  const { payload } = adapted;
  if (!payload) throw tooLarge(path, adapted.model);
  const asFound = isRewritten ? adaptInput(found.model, input.name, image).model : undefined;
  const content = await toFloatContent({ ...adapted, payload, rewritten: asFound });
  const { layout: _, ...size } = image;
  return { ...content, sha256: found.sha256, input: input.name, outputs, ...size };
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
