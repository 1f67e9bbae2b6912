/** Detectors whose graphs end in TensorRT's plugin nodes, and their parameters from the experiment spec. */

import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import { UserError } from '../../../ground/base/errors.ts';
import type { Architecture } from '../../../ground/contract/architectures.ts';
import type { Network, TensorRef } from '../network.ts';

/** Architectures with plugin nodes at the end. */
export const detectorArchitectures = [
  'ssd',
  'dssd',
  'faster_rcnn',
  'yolo',
  'retinanet',
] as const satisfies readonly Architecture[];
export type DetectorArchitecture = (typeof detectorArchitectures)[number];

/** What the spec contributes to a detector's graph. */
export type Detector = {
  readonly architecture: DetectorArchitecture;
  readonly plugin: PluginParameters;
  /** Input size in pixels, if the spec has it; used for sides that the file leaves free. */
  readonly sides: Sides | undefined;
};

/** Height and width in pixels. */
export type Sides = { readonly height: number; readonly width: number };

/**
 * The first output of a layer that exporters identify by name. @throws UserError ModelUnsupported if it does not exist
 */
export const findOutput = (network: Network, name: string): TensorRef => {
  if (network.layers.has(name)) return { layer: name, call: 0, tensor: 0 };
  throw unexpectedNetwork(`it has no layer ${name}`);
};

/** The error for a network that TLT does not build for the module. */
export const unexpectedNetwork = (found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Ending the Keras model in TensorRT's plugin nodes: ${found}, which identifies the end of such a detector. Choose the module that the model was trained with, or export it to ONNX where it was trained and use the ONNX file.`,
  );

/** The error for a spec and a model of different trainings. */
export const unexpectedSpec = (found: string): UserError =>
  new UserError(
    'SpecInvalid',
    `Ending the Keras model in TensorRT's plugin nodes: ${found}. Specify the spec that this model was trained with (-e).`,
  );
