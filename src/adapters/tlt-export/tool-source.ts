/** What the flags of `tlt-export` name to calibrate with. */
import { existsSync } from 'node:fs';
import { type CalibrationSource, chooseCalibrationSource } from '../../export/pipeline/calibration-source.ts';
import { UserError } from '../../ground/base/errors.ts';
import { requireWritableFolder } from '../../ground/base/whole-file.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { type NamedTraining, readNamedTraining } from './named-training.ts';
import type { ToolWorld } from './tool-world.ts';

/** What `-e` names; undefined without it. @throws UserError Usage, InputNotFound, SpecInvalid */
export const trainingOf = async (
  architecture: Architecture,
  values: ExportValues,
  world: ToolWorld,
): Promise<NamedTraining | undefined> => {
  const { experiment_spec: file } = values;
  return file === undefined ? undefined : readNamedTraining({ file, architecture, values, world });
};

/** Undefined where nothing is named. @throws as `calibrationSource` */
export const sourceOf = (
  { cal_data_file, cal_image_dir }: ExportValues,
  training: NamedTraining | undefined,
): CalibrationSource | undefined =>
  chooseCalibrationSource({
    tensorfile: cal_data_file,
    tensorfileExists: cal_data_file !== undefined && existsSync(cal_data_file),
    imageFolder: cal_image_dir,
    loader: training && (() => loaderOf(training)),
  });

const loaderOf = ({ file: name, plan, dataRoot }: NamedTraining): CalibrationSource => ({
  kind: 'Loader',
  name,
  plan: plan(),
  dataRoot,
});

/**
 * The loader is asked later, if at all: a model that was trained with quantisation needs none.
 * @throws UserError Usage, OutputExists, OutputUnwritable, InputNotFound
 */
export const refuseSource = async (
  values: ExportValues,
  training: NamedTraining | undefined,
): Promise<void> => {
  if (values.cal_data_file === undefined) return;
  const source = sourceOf(values, training);
  if (source?.kind === 'TensorfileOfImages') await requireWritableFolder(source.path);
  if (source?.kind === 'Tensorfile' && values.min_agreement !== undefined)
    throw new UserError(
      'Usage',
      'Exporting for int8: --min_agreement compares on images that calibration did not see, and a tensorfile names none. Give --cal_image_dir, or leave --min_agreement out.',
    );
};

/** Asked late: training with quantisation and histograms need none. */
export const requiredSource = (
  values: ExportValues,
  training: NamedTraining | undefined,
): CalibrationSource => {
  const source = sourceOf(values, training);
  if (source === undefined) throw noSource();
  return source;
};

const noSource = (): UserError =>
  new UserError(
    'CalibrationSourceMissing',
    'Exporting for int8: there is nothing to calibrate with. Give --cal_image_dir, --cal_data_file, or -e with the spec of the training; random data are never used in their place.',
  );
