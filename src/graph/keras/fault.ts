/** Errors about a layer, with its path and class. */
import { UserError } from '../../ground/base/errors.ts';

/** A layer as named in messages: `block_1/conv (Conv2D)`. */
export type LayerLabel = { readonly path: string; readonly className: string };

const labelOf = ({ path, className }: LayerLabel): string => `${path} (${className})`;

/** The file contradicts itself: it is damaged, or its parts come from different models. */
export const invalidLayer = (layer: LayerLabel, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Converting the layer ${labelOf(layer)}: ${found}. The file is damaged; save or copy it again.`,
  );

/** The file is valid, but this importer cannot convert the layer. */
export const unsupportedLayer = (layer: LayerLabel, found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Converting the layer ${labelOf(layer)}: ${found}. Export the model to ONNX where it was trained, and use the ONNX file.`,
  );
