/** Which flags of `tlt-export` have a counterpart in a ModelExport. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import type { FlagRow } from '../../ground/contract/flag-table.ts';
import { type ExportValues, exportFlags } from '../../ground/contract/flags.ts';

type Flag = keyof typeof exportFlags;

const fromClass =
  'the device class sets it (engine of the ExportDeviceClass): remove it, and choose classes with --device-class';

/** The remedy for each flag without a counterpart; undefined for the others. A new flag does not compile without a row. */
const remedies: Readonly<Record<Flag, string | undefined>> = {
  model: undefined,
  key: undefined,
  key_file: undefined,
  codec_command: 'remove it, and set spec.codec to an image that contains the program',
  output_file: undefined,
  experiment_spec: undefined,
  data_root: undefined,
  path_in_spec: undefined,
  input_node: undefined,
  output_nodes: undefined,
  input_dims: undefined,
  preprocess: undefined,
  data_type: undefined,
  strict_type_constraints: undefined,
  cal_data_file: undefined,
  cal_image_dir: undefined,
  cal_cache_file: undefined,
  cal_histogram_file: 'remove it: the operator stores the histograms next to its exports, and reuses them',
  cal_part: 'remove it: the export of a ModelExport counts all images in one pod',
  cal_json_file: 'remove it: status.export lists what is stored',
  batches: undefined,
  batch_size: undefined,
  max_batch_size: undefined,
  max_workspace_size: undefined,
  engine_file: undefined,
  force_ptq: undefined,
  seed: 'remove it: the export of a ModelExport always uses the default seed',
  max_broken: undefined,
  cal_algorithm: undefined,
  keep_float: undefined,
  equalize: undefined,
  choose_algorithm: undefined,
  sensitivity: undefined,
  require_int8: undefined,
  min_agreement: undefined,
  tensorrt_version: fromClass,
  engine_backend: fromClass,
  prefer: fromClass,
  compute_capability: fromClass,
  report: undefined,
  python: fromClass,
  deployment: undefined,
  classmap_json: 'remove it: a pod takes the class names from the experiment spec',
  key_in_config: 'remove it: the operator never writes the key into a file',
  verbose: 'remove it: the log of a pod has one level',
  help: undefined,
};

/** Flags that are read only for int8. */
const int8Flags = [
  'cal_data_file',
  'cal_image_dir',
  'data_root',
  'path_in_spec',
  'batches',
  'batch_size',
  'max_broken',
  'cal_algorithm',
  'keep_float',
  'equalize',
  'choose_algorithm',
  'sensitivity',
  'require_int8',
  'min_agreement',
] as const satisfies readonly Flag[];

/** @throws UserError Usage naming each flag that would be lost */
export const refuseWithoutCounterpart = (values: ExportValues): void => {
  const flags = Object.keys(remedies) as Flag[];
  const lost = flags.filter((flag) => isSet(values, flag)).flatMap((flag) => explain(flag, remedies[flag]));
  const unread =
    values.data_type === 'int8'
      ? []
      : int8Flags
          .filter((flag) => isSet(values, flag))
          .flatMap((flag) => explain(flag, 'remove it: it is read only with --data_type int8'));
  const found = [...lost, ...unread];
  if (found.length > 0)
    throw new UserError(
      'Usage',
      `Converting the command line: a ModelExport has no counterpart of ${found.join('; ')}.`,
    );
};

const explain = (flag: Flag, remedy: string | undefined): readonly string[] =>
  remedy === undefined ? [] : [`--${flag} (${remedy})`];

/** Whether the flag was given a value other than its default. */
const isSet = (values: ExportValues, flag: Flag): boolean => {
  const row: FlagRow = exportFlags[flag];
  const value = (values as Readonly<Record<string, unknown>>)[flag];
  const fallback = row.type === 'switch' ? false : row.default;
  return value !== undefined && value !== fallback;
};
