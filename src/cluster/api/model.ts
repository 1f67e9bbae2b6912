/** `spec.model` of a ModelExport: the file, and what it and its module leave open. */
import { channelOrders, decimalPattern, mostSide } from '../../ground/contract/model-settings.ts';
import { sha256 } from '../../ground/contract/result-schema.ts';
import { integer, list, object, oneOf, text } from '../../ground/contract/schema.ts';
import { storageUri } from './shared-schemas.ts';

const portName = (description: string) => text(description, { minLength: 1, maxLength: 256 });

const ports = object(
  "Names of the graph's input and outputs. What is left out is found by TLT's names, then by shape and kind.",
  {
    input: portName('The input for pictures.'),
    outputs: list(
      "The outputs that play the module's roles, in its order.",
      portName('Name of an output of the graph.'),
      { minItems: 1, maxItems: 32 },
    ),
  },
  {
    validations: [
      {
        rule: 'has(self.input) || has(self.outputs)',
        message: 'name the input or the outputs, or leave ports out',
      },
    ],
  },
);

const side = (description: string) => integer(description, { minimum: 1, maximum: mostSide });

const inputDims = object(
  'Size of the input where the graph leaves it free. The exported graph has that size.',
  {
    channels: integer('Channels of a picture: 1 or 3.', { minimum: 1, maximum: 3 }),
    height: side('Height in pixels.'),
    width: side('Width in pixels.'),
  },
  {
    required: ['channels', 'height', 'width'],
    validations: [{ rule: 'self.channels != 2', message: 'pictures have 1 or 3 channels' }],
  },
);

const decimals = (description: string) =>
  list(description, text('A decimal number as a string.', { maxLength: 32, pattern: decimalPattern }), {
    minItems: 1,
    maxItems: 3,
  });

const preprocess = object(
  'How pixels of calibration.imageDirectory are prepared where no experiment spec says it: y = (x - mean) * scale for x from 0 to 255. What is left out is the own of the module.',
  {
    channelOrder: oneOf(channelOrders, 'Order of the planes.'),
    mean: decimals('One number for all channels, or one for each in the order of the planes.'),
    scale: decimals('One number for all channels, or one for each in the order of the planes.'),
  },
  {
    validations: [
      {
        rule: 'has(self.channelOrder) || has(self.mean) || has(self.scale)',
        message: 'say the channelOrder, mean or scale, or leave preprocess out',
      },
    ],
  },
);

export const model = object(
  'The trained model: .tlt, .hdf5 or .onnx.',
  {
    uri: storageUri('The model file.'),
    sha256: sha256('Pins the file: the export fails if it is another one.'),
    ports,
    inputDims,
    preprocess,
  },
  { required: ['uri'] },
);
