/** A detector whose graph ends in TensorRT's plugin nodes: which one, and what its experiment spec says of them. */

import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import { UserError } from '../../../ground/base/errors.ts';
import type { Architecture } from '../../../ground/contract/architectures.ts';
import type { Network, TensorRef } from '../network.ts';

export const detectorArchitectures = [
  'ssd',
  'dssd',
  'faster_rcnn',
  'yolo',
  'retinanet',
] as const satisfies readonly Architecture[];
export type DetectorArchitecture = (typeof detectorArchitectures)[number];

export type Detector = {
  readonly architecture: DetectorArchitecture;
  readonly plugin: PluginParameters;
  /** Of the input, in pixels, if the spec tells them; they fill sides that the file leaves free. */
  readonly sides: Sides | undefined;
};

export type Sides = { readonly height: number; readonly width: number };

/** The first output of a layer that exporters know by its name. @throws UserError ModelUnsupported if it is not there */
export const findOutput = (network: Network, name: string): TensorRef => {
  if (network.layers.has(name)) return { layer: name, call: 0, tensor: 0 };
  throw unexpectedNetwork(`it has no layer ${name}`);
};

/** The network is another than TLT builds for the module. */
export const unexpectedNetwork = (found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Ending the Keras model in TensorRT's plugin nodes: ${found}, by which the end of such a detector is known. Choose the module that the model was trained as, or export it to ONNX where it was trained, and give that.`,
  );

/** Spec and model are of different trainings. */
export const unexpectedSpec = (found: string): UserError =>
  new UserError(
    'SpecInvalid',
    `Ending the Keras model in TensorRT's plugin nodes: ${found}. Name the spec that this model was trained with (-e).`,
  );
