/** What can be wrong with a layer, told with its path and class. */
import { UserError } from '../../ground/base/errors.ts';

/** A layer as messages name it: `block_1/conv (Conv2D)`. */
export type LayerLabel = { readonly path: string; readonly className: string };

const labelOf = ({ path, className }: LayerLabel): string => `${path} (${className})`;

/** The file contradicts itself: it is damaged, or its parts are of different models. */
export const invalidLayer = (layer: LayerLabel, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Converting the layer ${labelOf(layer)}: ${found}. The file is damaged; save or copy it again.`,
  );

/** The file is sound, and this importer has no ONNX for it. */
export const unsupportedLayer = (layer: LayerLabel, found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Converting the layer ${labelOf(layer)}: ${found}. Export the model to ONNX where it was trained, and give that.`,
  );
