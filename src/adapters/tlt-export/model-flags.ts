/** `--input_node`, `--output_nodes`, `--input_dims` and `--preprocess` of `tlt-export` as settings of the model. */
import { UserError } from '../../ground/base/errors.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import {
  channelOrders,
  decimalPattern,
  type InputDims,
  type ModelSettings,
  maxSide,
  type PixelSettings,
} from '../../ground/contract/model-settings.ts';

/** @throws UserError Usage naming the flag and its form */
export const modelSettingsOf = (values: ExportValues): ModelSettings => {
  const { input_node: input, output_nodes, input_dims, preprocess } = values;
  const outputs = output_nodes === undefined ? undefined : listOf(output_nodes);
  return {
    ...((input ?? outputs) !== undefined && {
      ports: { ...(input !== undefined && { input }), ...(outputs && { outputs }) },
    }),
    ...(input_dims !== undefined && { inputDims: dimsOf(input_dims) }),
    ...(preprocess !== undefined && { preprocess: pixelsOf(preprocess) }),
  };
};

const listOf = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const dimsOf = (text: string): InputDims => {
  const sizes = /^\s*([13])\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/.exec(text)?.slice(1).map(Number) ?? [];
  const [channels, height, width] = sizes;
  if (channels && height && width && height <= maxSide && width <= maxSide)
    return { channels, height, width };
  throw usage(
    `--input_dims is '${text}', and must be channels,height,width with 1 or 3 channels and sides up to ${maxSide}, for example 3,224,224`,
  );
};

/** `order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174` */
const pixelsOf = (text: string): PixelSettings => {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const settings = words.map((word) => partOf(word) ?? malformed(text));
  if (settings.length === 0) malformed(text);
  return Object.assign({}, ...settings);
};

const partOf = (word: string): PixelSettings | undefined => {
  const [name, value = '', ...more] = word.split('=');
  if (more.length > 0) return undefined;
  const channelOrder = channelOrders.find((order) => order === value);
  if (name === 'order') return channelOrder && { channelOrder };
  const numbers = value.split(',');
  const sound = numbers.every((each) => decimal.test(each)) && (numbers.length === 1 || numbers.length === 3);
  if (!sound) return undefined;
  return name === 'mean' ? { mean: numbers } : name === 'scale' ? { scale: numbers } : undefined;
};

const decimal = new RegExp(decimalPattern);

const malformed = (text: string): never => {
  throw usage(
    `--preprocess is '${text}', and takes order=RGB or BGR, mean=, and scale=, each with one number or one for each channel, for example "order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174"`,
  );
};

const usage = (found: string): UserError =>
  new UserError('Usage', `Reading the command line: ${found}. See tlt-export --help.`);
