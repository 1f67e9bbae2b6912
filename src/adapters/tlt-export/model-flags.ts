/** Converts `--input_node`, `--output_nodes`, `--input_dims` and `--preprocess` to model settings. */
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

/** Parses the flags. @throws UserError Usage naming the flag and its format */
export const parseModelSettings = (values: ExportValues): ModelSettings => {
  const { input_node: input, output_nodes, input_dims, preprocess } = values;
  const outputs = output_nodes === undefined ? undefined : parseNames(output_nodes);
  return {
    ...((input ?? outputs) !== undefined && {
      ports: { ...(input !== undefined && { input }), ...(outputs && { outputs }) },
    }),
    ...(input_dims !== undefined && { inputDims: parseDims(input_dims) }),
    ...(preprocess !== undefined && { preprocess: parsePixelSettings(preprocess) }),
  };
};

/** Splits `--keep_float` into names and patterns. */
export const parseKeepFloat = ({ keep_float: text = '' }: ExportValues): readonly string[] =>
  parseNames(text);

const parseNames = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

const parseDims = (text: string): InputDims => {
  const sizes = /^\s*([13])\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/.exec(text)?.slice(1).map(Number) ?? [];
  const [channels, height, width] = sizes;
  if (channels && height && width && height <= maxSide && width <= maxSide)
    return { channels, height, width };
  throw flagError(
    `--input_dims is '${text}', and must be channels,height,width with 1 or 3 channels and sides up to ${maxSide}, for example 3,224,224`,
  );
};

/** Parses `order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174`; each setting is optional. */
const parsePixelSettings = (text: string): PixelSettings => {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const settings = words.map((word) => parsePixelSetting(word) ?? failMalformed(text));
  if (settings.length === 0) failMalformed(text);
  return Object.assign({}, ...settings);
};

const parsePixelSetting = (word: string): PixelSettings | undefined => {
  const [name, value = '', ...more] = word.split('=');
  if (more.length > 0) return undefined;
  const channelOrder = channelOrders.find((order) => order === value);
  if (name === 'order') return channelOrder && { channelOrder };
  const numbers = value.split(',');
  const isValid =
    numbers.every((each) => decimal.test(each)) && (numbers.length === 1 || numbers.length === 3);
  if (!isValid) return undefined;
  return name === 'mean' ? { mean: numbers } : name === 'scale' ? { scale: numbers } : undefined;
};

const decimal = new RegExp(decimalPattern);

const failMalformed = (text: string): never => {
  throw flagError(
    `--preprocess is '${text}', and must contain order=RGB or order=BGR, mean= or scale=, the last two with one number or one per channel, for example "order=RGB mean=123.675,116.28,103.53 scale=0.0171,0.0175,0.0174"`,
  );
};

const flagError = (found: string): UserError =>
  new UserError('Usage', `Reading the command line: ${found}. See tlt-export --help.`);
