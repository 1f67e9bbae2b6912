/** `tlt-export` of a model that was trained with quantisation: its cache and its JSON as files. */
import { existsSync } from 'node:fs';
import type { OpenedModel } from '../../export/models/open-model.ts';
import { requireAgreement } from '../../export/pipeline/agreement-gate.ts';
import {
  cacheInTheWay,
  comparedImages,
  type Trained,
  trainedScales,
} from '../../export/pipeline/trained-scales.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { keptFloat } from './kept-float.ts';
import type { Judged } from './report-files.ts';
import { toldSensitivity } from './tool-sensitivity.ts';
import { reportedVerdict } from './tool-verdict.ts';
import type { ExportWorld } from './tool-world.ts';

type Context = {
  readonly architecture: Architecture;
  readonly values: ExportValues;
  readonly world: ExportWorld;
};

/** The JSON is written for every data type, the cache for int8. @throws UserError as `trainedScales`, OutputExists … */
export const writeTrainedFiles = async (
  opened: OpenedModel,
  { architecture, values, world }: Context,
): Promise<Judged> => {
  const { data_type, cal_json_file: json, tensorrt_version: tensorRtVersion } = values;
  if (data_type !== 'int8' && json === undefined) return floatExport(opened, { values, world });
  const trained = trainedScales(opened, { architecture, tensorRtVersion, keepFloat: keptFloat(values) });
  const judged = await (data_type === 'int8'
    ? writeCache(opened, trained, { values, world })
    : floatExport(opened, { values, world }));
  if (json !== undefined) {
    await world.outputs.write(json, trained.json);
    world.logAtEnd(`Scales generated during QAT were saved into ${json}`);
  }
  return judged;
};

const floatExport = async (opened: OpenedModel, context: Omit<Context, 'architecture'>): Promise<Judged> => ({
  quantised: undefined,
  verdict: await reportedVerdict(opened, context, { scales: undefined }),
});

const writeCache = async (
  opened: OpenedModel,
  { cache, scales }: Trained,
  { values, world }: Omit<Context, 'architecture'>,
): Promise<Judged> => {
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
  const verdict = await reportedVerdict(opened, { values, world }, { scales, kept, isTrained: true });
  await requireAgreement(opened, { quantised, least, watch: world });
  const sensitivity = await toldSensitivity(opened, { values, world }, quantised);
  await world.outputs.write(path, cache);
  world.logAtEnd(`Calibration cache of ${scales.size} tensors from the training was saved into ${path}`);
  return { quantised: { scales, calibration: undefined, trained: { kept }, sensitivity }, verdict };
};
