/** `spec.calibration` from the int8 flags of `tlt-export`. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ExportLine } from './convert-line.ts';
import { type PathClaim, toRootUri, toUri } from './convert-paths.ts';

/** @returns nothing if the engines are not int8 */
export const makeCalibration = (
  { values, keepFloat }: Pick<ExportLine, 'values' | 'keepFloat'>,
  claim: PathClaim,
): { readonly calibration?: object } => {
  if (values.data_type !== 'int8') return {};
  const source = makeSource(values, claim);
  refuseUnread(values, source.source);
  return { calibration: { ...source, ...makeMethod(values), ...(keepFloat.length > 0 && { keepFloat }) } };
};

type Source = {
  readonly source: 'ImageDirectory' | 'Tensorfile' | 'DataLoader';
  readonly imageDirectory?: object;
  readonly tensorfile?: object;
  readonly dataLoader?: object;
};

/** In the order in which `tlt-export` chooses its calibration data. */
const makeSource = (values: ExportValues, claim: PathClaim): Source => {
  const { cal_image_dir: images, cal_data_file: file, experiment_spec: spec, data_root: root } = values;
  if (images !== undefined && file !== undefined)
    throw refusal(
      '--cal_image_dir with --cal_data_file writes a tensorfile: remove --cal_data_file, or create a CalibrationTensorfile',
    );
  if (images !== undefined)
    return {
      source: 'ImageDirectory',
      imageDirectory: { uri: toUri(claim, { flag: 'cal_image_dir', path: images }) },
    };
  if (file !== undefined)
    return {
      source: 'Tensorfile',
      tensorfile: { uri: toUri(claim, { flag: 'cal_data_file', path: file }) },
    };
  if (spec === undefined)
    throw refusal(
      'int8 has no calibration data: add --cal_image_dir, --cal_data_file, or -e with --data_root. For the scales of a QAT model, set spec.calibration.source to Model',
    );
  if (root === undefined)
    throw refusal(
      "int8 on the training's own images needs their folder: add --data_root, and --path_in_spec if the spec has absolute paths",
    );
  const { path_in_spec: pathInSpec } = values;
  const dataRoot = {
    uri: toRootUri(claim, { flag: 'data_root', path: root }),
    ...(pathInSpec && { pathInSpec }),
  };
  return { source: 'DataLoader', dataLoader: { dataRoot } };
};

/** Flags that only some sources read: the API refuses them elsewhere. */
const readers = {
  min_agreement: ['ImageDirectory', 'DataLoader'],
  sensitivity: ['ImageDirectory'],
  equalize: ['ImageDirectory', 'DataLoader'],
  choose_algorithm: ['ImageDirectory', 'DataLoader'],
  max_broken: ['ImageDirectory', 'DataLoader'],
  data_root: ['DataLoader'],
  path_in_spec: ['DataLoader'],
} as const satisfies Partial<Record<keyof ExportValues, readonly Source['source'][]>>;

const refuseUnread = (values: ExportValues, source: Source['source']): void => {
  for (const [flag, sources] of Object.entries(readers)) {
    const isRead = (sources as readonly string[]).includes(source);
    if (!isRead && isAsked(values, flag as keyof typeof readers))
      throw refusal(`--${flag} is not read with calibration source ${source}: remove it`);
  }
};

const isAsked = (values: ExportValues, flag: keyof typeof readers): boolean =>
  flag === 'equalize' ? values.equalize !== defaults.equalize : Boolean(values[flag]);

const makeMethod = (values: ExportValues) => ({
  ...(values.batches !== defaults.batches && { batches: values.batches }),
  ...(values.batch_size !== defaults.batchSize && { batchSize: values.batch_size }),
  ...(values.cal_algorithm !== defaults.algorithm && { algorithm: values.cal_algorithm }),
  ...(values.min_agreement !== undefined && { minAgreement: values.min_agreement }),
  ...(values.equalize !== defaults.equalize && { equalize: values.equalize }),
  ...(values.choose_algorithm && { chooseAlgorithm: true }),
  ...(values.require_int8 && { requireInt8: true }),
  ...(values.sensitivity && { sensitivity: true }),
  ...(values.max_broken > 0 && { maxBrokenPercent: toPercent(values.max_broken) }),
});

const toPercent = (share: number): number => {
  const percent = Math.round(share * 100);
  if (Math.abs(percent - share * 100) < 1e-9) return percent;
  throw refusal(`--max_broken ${share} is not a whole percentage, which maxBrokenPercent must be: round it`);
};

const refusal = (found: string): UserError =>
  new UserError('Usage', `Converting the command line: ${found}.`);
