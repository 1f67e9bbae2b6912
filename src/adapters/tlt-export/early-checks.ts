/** Checks of `tlt-export` before its first long step. */
import { existsSync } from 'node:fs';
import { findClassNames } from '../../export/deployment/class-names.ts';
import { checkBackend } from '../../export/engines/build-engine-file.ts';
import { UserError } from '../../ground/base/errors.ts';
import { refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import { type Architecture, architectures } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { exportProgram } from '../../ground/contract/programs.ts';
import { refuseExistingDeployment, requireDeploymentUse } from '../cli/deployment.ts';
import { artifactPaths } from './artifact-files.ts';
import { makeEngineOptions } from './build-engine.ts';
import { parseSamplePart } from './export-request.ts';
import type { NamedTraining } from './named-training.ts';
import { checkSource } from './select-source.ts';

/**
 * Checks flags and output paths without opening the model.
 * @throws UserError Usage, SpecInvalid, OutputExists, OutputUnwritable, EngineUnsupported, InputNotFound
 */
export const checkEarly = async (
  architecture: Architecture,
  values: ExportValues,
  training: NamedTraining | undefined,
): Promise<void> => {
  if (values.cal_part !== undefined) return checkPart(values);
  if (architectures[architecture].needsSpec && values.experiment_spec === undefined)
    throw new UserError(
      'SpecInvalid',
      `Exporting ${architecture}: -e is required. Name the experiment spec of the training.`,
    );
  const { etlt, report, reportPage, tensorScales } = artifactPaths(values);
  for (const path of [etlt, reportPage, report, tensorScales, values.engine_file])
    if (path !== undefined) await checkNewFile(path);
  await checkEngine(values);
  if (values.data_type === 'int8') await checkCalibration(values, training);
};

const checkEngine = async (values: ExportValues): Promise<void> => {
  const { engine_file: file, deployment, key_in_config, codec_command, classmap_json: classmap } = values;
  if (values.prefer === 'Fastest') requirePreferenceUse(values);
  if (file !== undefined) checkBackend(makeEngineOptions(values, false));
  requireDeploymentUse(exportProgram, {
    deployment,
    key_in_config,
    codec_command,
    hasEngine: file !== undefined,
  });
  if (file !== undefined && deployment) await refuseExistingDeployment(file);
  if (classmap !== undefined) await findClassNames({ classmap });
};

const requirePreferenceUse = ({ data_type, engine_file }: ExportValues): void => {
  if (data_type === 'int8' && engine_file !== undefined) return;
  throw new UserError(
    'Usage',
    'Building the engine: --prefer Fastest chooses between int8 and float, so it requires --data_type int8 and --engine_file. Add them, or remove --prefer.',
  );
};

const checkNewFile = async (path: string): Promise<void> => {
  await refuseToOverwrite(path);
  await requireWritableFolder(path);
};

const checkCalibration = async (values: ExportValues, training: NamedTraining | undefined): Promise<void> => {
  const { cal_cache_file: cache, cal_histogram_file: histograms } = values;
  await requireWritableFolder(cache);
  if (values.min_agreement !== undefined && existsSync(cache))
    throw cacheExists(cache, 'no images are held out for --min_agreement');
  if (histograms !== undefined && !existsSync(histograms)) await requireWritableFolder(histograms);
  if (histograms !== undefined && existsSync(cache))
    throw cacheExists(cache, `the histograms ${histograms} would not be used`);
  if (!existsSync(cache)) await checkSource(values, training);
};

const cacheExists = (cache: string, so: string): UserError =>
  new UserError(
    'OutputExists',
    `Exporting for int8: the calibration cache ${cache} exists and would be reused, so ${so}. Remove the cache, or use --cal_cache_file to name another file.`,
  );

const checkPart = async (values: ExportValues): Promise<void> => {
  const { cal_histogram_file: path, data_type } = values;
  parseSamplePart(values);
  if (path === undefined || data_type !== 'int8')
    throw new UserError(
      'Usage',
      'Counting a part of the calibration images: --cal_part requires --data_type int8, and --cal_histogram_file for the result.',
    );
  await checkNewFile(path);
};
