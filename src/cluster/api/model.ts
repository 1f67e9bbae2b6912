/** `spec.model` of a ModelExport: the file, and what neither the file nor its TLT module determine. */
import { channelOrders, decimalPattern, maxSide } from '../../ground/contract/model-settings.ts';
import { sha256 } from '../../ground/contract/result-schema.ts';
import { integer, list, object, oneOf, text } from '../../ground/contract/schema.ts';
import { orInImage } from './input-uri.ts';
import { storageUri } from './shared-schemas.ts';

const portName = (description: string) => text(description, { minLength: 1, maxLength: 256 });

const ports = object(
  "Names of the graph's input and outputs. Unset names are detected: by TLT's names first, then by shape and type.",
  {
    input: portName('The image input.'),
    outputs: list(
      "The graph outputs that correspond to the module's outputs, in the module's order.",
      portName('Name of a graph output.'),
      { minItems: 1, maxItems: 32 },
    ),
  },
  {
    validations: [
      {
        rule: 'has(self.input) || has(self.outputs)',
        message: 'set ports.input or ports.outputs, or remove ports',
      },
    ],
  },
);

const side = (description: string) => integer(description, { minimum: 1, maximum: maxSide });

const inputDims = object(
  'Input size, for graphs with a dynamic input size. The exported graph has this fixed size.',
  {
    channels: integer('Number of channels: 1 or 3.', { minimum: 1, maximum: 3 }),
    height: side('Height in pixels.'),
    width: side('Width in pixels.'),
  },
  {
    required: ['channels', 'height', 'width'],
    validations: [{ rule: 'self.channels != 2', message: 'channels must be 1 or 3' }],
  },
);

const decimals = (description: string) =>
  list(description, text('A decimal number as a string.', { maxLength: 32, pattern: decimalPattern }), {
    minItems: 1,
    maxItems: 3,
  });

const preprocess = object(
  "Preprocessing of the images of calibration.imageDirectory if no experiment spec defines it: y = (x - mean) * scale, for x in 0 to 255. Unset fields keep the module's defaults.",
  {
    channelOrder: oneOf(channelOrders, 'Order of the color channels.'),
    mean: decimals('One number for all channels, or one per channel in channelOrder.'),
    scale: decimals('One number for all channels, or one per channel in channelOrder.'),
  },
  {
    validations: [
      {
        rule: 'has(self.channelOrder) || has(self.mean) || has(self.scale)',
        message: 'set channelOrder, mean or scale, or remove preprocess',
      },
    ],
  },
);

/** Schema of `spec.model`. */
export const model = object(
  'The trained model: .tlt, .hdf5 or .onnx.',
  {
    uri: orInImage(storageUri('The model file.')),
    sha256: sha256('Pins the file: the export fails if its digest differs.'),
    ports,
    inputDims,
    preprocess,
  },
  { required: ['uri'] },
);
