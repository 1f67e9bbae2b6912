/** Converts `--input_node`, `--output_nodes`, `--input_dims` and `--preprocess` to model settings. */
import type { UserError } from '../../ground/base/errors.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import {
  channelOrders,
  decimalPattern,
  type ModelSettings,
  type PixelSettings,
} from '../../ground/contract/model-settings.ts';
import { exportProgram } from '../../ground/contract/programs.ts';
import { usageError } from '../cli/command-line.ts';
import { parseDims, parseNames } from '../cli/parse-values.ts';

/** Parses the flags. @throws UserError Usage naming the flag and its format */
export const parseModelSettings = (values: ExportValues): ModelSettings => {
  const { input_node: input, output_nodes, input_dims, preprocess } = values;
  const outputs = output_nodes === undefined ? undefined : parseNames(output_nodes);
  return {
    ...((input ?? outputs) !== undefined && {
      ports: { ...(input !== undefined && { input }), ...(outputs && { outputs }) },
    }),
    ...(input_dims !== undefined && { inputDims: parseDims(exportProgram, input_dims) }),
    ...(preprocess !== undefined && { preprocess: parsePixelSettings(preprocess) }),
  };
};

/** Splits `--keep_float` into names and patterns. */
export const parseKeepFloat = ({ keep_float: text = '' }: ExportValues): readonly string[] =>
  parseNames(text);

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

const flagError = (found: string): UserError => usageError(exportProgram, found);
