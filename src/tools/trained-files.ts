/** `tlt-export` of a model that was trained with quantisation: its cache and its JSON as files. */
import { existsSync } from 'node:fs';
import { UserError } from '../base/errors.ts';
import { writeWholeFile } from '../base/whole-file.ts';
import type { OpenedModel } from '../checkpoints/open-model.ts';
import type { Architecture } from '../contract/architectures.ts';
import type { ExportValues } from '../contract/flags.ts';
import { requireAgreement } from '../exporting/agreement-gate.ts';
import { cacheInTheWay, comparedImages, type Trained, trainedScales } from '../exporting/trained-scales.ts';
import { keptFloat } from './kept-float.ts';
import type { Quantised } from './report-files.ts';
import { toldSensitivity } from './tool-sensitivity.ts';
import type { ToolWorld } from './tool-world.ts';

type Context = {
  readonly architecture: Architecture;
  readonly values: ExportValues;
  readonly world: ToolWorld;
};

/** The JSON is written for every data type, the cache for int8. @throws UserError as `trainedScales`, OutputExists … */
export const writeTrainedFiles = async (
  opened: OpenedModel,
  { architecture, values, world }: Context,
): Promise<Quantised | undefined> => {
  const { data_type, cal_json_file: json, tensorrt_version: tensorRtVersion } = values;
  if (data_type !== 'int8' && json === undefined) return undefined;
  const trained = trainedScales(opened, { architecture, tensorRtVersion, keepFloat: keptFloat(values) });
  const quantised = data_type === 'int8' ? await writeCache(opened, trained, { values, world }) : undefined;
  if (json !== undefined) {
    await writeWholeFile(json, trained.json, { overwrite: false });
    world.log('INFO', `Scales generated during QAT were saved into ${json}`);
  }
  return quantised;
};

const writeCache = async (
  opened: OpenedModel,
  { cache, scales }: Trained,
  { values, world }: Omit<Context, 'architecture'>,
): Promise<Quantised> => {
  const { cal_cache_file: path, cal_image_dir: folder, min_agreement: least, seed } = values;
  if (existsSync(path)) throw cacheInTheWay(path);
  if (least !== undefined && folder === undefined)
    throw new UserError(
      'Usage',
      'Exporting for int8: --min_agreement compares on images, and there are none. Give --cal_image_dir, or leave --min_agreement out.',
    );
  world.log('INFO', 'Extracting scales generated during QAT');
  if ([values.cal_data_file, values.cal_histogram_file, folder].some((given) => given !== undefined))
    world.log(
      'WARNING',
      'The model was trained with quantisation, so nothing is calibrated: its own scales are taken. --force_ptq calibrates.',
    );
  const kept = await comparedImages(opened, folder, seed);
  const quantised = { scales, kept };
  await requireAgreement(opened, { quantised, least, watch: world });
  const sensitivity = await toldSensitivity(opened, { values, world }, quantised);
  await writeWholeFile(path, cache, { overwrite: false });
  world.log('INFO', `Calibration cache of ${scales.size} tensors from the training was saved into ${path}`);
  return { scales, calibration: undefined, trained: { kept }, sensitivity };
};
