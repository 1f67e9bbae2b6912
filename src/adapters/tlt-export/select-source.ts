/** Selects the calibration source that the flags of `tlt-export` name. */
import { existsSync } from 'node:fs';
import { type CalibrationSource, chooseCalibrationSource } from '../../export/pipeline/calibration-source.ts';
import { UserError } from '../../ground/base/errors.ts';
import { requireWritableFolder } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import type { ToolContext } from '../cli/tool-context.ts';
import { type NamedTraining, readNamedTraining } from './named-training.ts';

/** Reads the training of `-e`; undefined without that flag. @throws UserError Usage, InputNotFound, SpecInvalid */
export const readTrainingFlags = async (
  architecture: Architecture,
  values: ExportValues,
  context: ToolContext,
): Promise<NamedTraining | undefined> => {
  const { experiment_spec: file } = values;
  return file === undefined ? undefined : readNamedTraining({ file, architecture, values, context });
};

/** Selects the source; undefined if no flag names one. @throws UserError, as `chooseCalibrationSource` */
export const selectSource = (
  { cal_data_file, cal_image_dir }: ExportValues,
  training: NamedTraining | undefined,
): CalibrationSource | undefined =>
  chooseCalibrationSource({
    tensorfile: cal_data_file,
    tensorfileExists: cal_data_file !== undefined && existsSync(cal_data_file),
    imageFolder: cal_image_dir,
    loader: training && (() => makeLoaderSource(training)),
  });

const makeLoaderSource = ({ file: name, plan, dataRoot }: NamedTraining): CalibrationSource => ({
  kind: 'Loader',
  name,
  plan: plan(),
  dataRoot,
});

/**
 * Checks the source as far as possible without running a data loader, which a model with scales from training does not need.
 * @throws UserError Usage, OutputExists, OutputUnwritable, InputNotFound
 */
export const checkSource = async (
  values: ExportValues,
  training: NamedTraining | undefined,
): Promise<void> => {
  if (values.cal_data_file === undefined) return;
  const source = selectSource(values, training);
  if (source?.kind === 'TensorfileOfImages') await requireWritableFolder(source.path);
  if (source?.kind === 'Tensorfile' && values.min_agreement !== undefined)
    throw new UserError(
      'Usage',
      'Exporting for int8: --min_agreement needs held-out images, and a tensorfile has none. Use --cal_image_dir, or omit --min_agreement.',
    );
};

/**
 * Selects the source of a calibration. Called only when images are needed: scales from training and existing histograms need none.
 * @throws UserError CalibrationSourceMissing
 */
export const requireSource = (
  values: ExportValues,
  training: NamedTraining | undefined,
): CalibrationSource => {
  const source = selectSource(values, training);
  if (source === undefined) throw sourceMissing();
  return source;
};

const sourceMissing = (): UserError =>
  new UserError(
    'CalibrationSourceMissing',
    'Exporting for int8: there is no calibration data. Use --cal_image_dir, --cal_data_file, or -e with the spec of the training. Random data is never used instead.',
  );
