/** How `tlt-export` comes to thresholds: by a pass over the images, or from histograms that an earlier pass left. */
import { existsSync } from 'node:fs';
import type { SamplePart } from '../../data/preprocessing/sample-part.ts';
import type { OpenedModel } from '../../export/models/open-model.ts';
import {
  type CalibrationSource,
  digestOfSource,
  nameOfSource,
} from '../../export/pipeline/calibration-source.ts';
import {
  type Calibrated,
  type CalibrationRequest,
  concluded,
  type Measurement,
  measure,
} from '../../export/pipeline/export.ts';
import {
  calibratedFrom,
  histogramBytes,
  isCountedFrom,
  readHistograms,
} from '../../export/pipeline/histograms.ts';
import type { CalibrationDone } from '../../export/pipeline/report.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import type { CountedSample } from '../../formats/scales/histogram-file.ts';
import { infiniteNotes } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import { refuseToOverwrite, requireWritableFolder, writeWholeFile } from '../../ground/base/whole-file.ts';
import type { ExportValues } from '../../ground/contract/flags.ts';
import { keptFloat } from './kept-float.ts';
import type { ToolWorld } from './tool-world.ts';

export type ToolCalibration = {
  readonly values: ExportValues;
  readonly world: ToolWorld;
};

/** Whether thresholds can be had without images. */
export const hasHistograms = ({ cal_histogram_file: path, cal_part: part }: ExportValues): boolean =>
  path !== undefined && part === undefined && existsSync(path);

/** What would make the histograms fail or be of no use. @throws UserError OutputExists, OutputUnwritable */
export const refuseHistograms = async ({ cal_histogram_file: path, cal_cache_file: cache }: ExportValues) => {
  if (path === undefined) return;
  if (!existsSync(path)) await requireWritableFolder(path);
  if (!existsSync(cache)) return;
  throw new UserError(
    'OutputExists',
    `Exporting for int8: the calibration cache ${cache} is there already and would be used again, so the histograms ${path} would say nothing. Remove the cache, or name another file by --cal_cache_file.`,
  );
};

/** The same where a part is counted and nothing else. @throws UserError Usage, OutputExists, OutputUnwritable */
export const refusePart = async (values: ExportValues): Promise<void> => {
  const { cal_histogram_file: path, data_type } = values;
  partOf(values);
  if (path === undefined || data_type !== 'int8')
    throw new UserError(
      'Usage',
      'Counting a part of the calibration images: --cal_part needs --data_type int8 and --cal_histogram_file, where the histograms go.',
    );
  await refuseToOverwrite(path);
  await requireWritableFolder(path);
};

/** Thresholds from the histograms that are there, which is said loudly. @throws UserError HistogramsInvalid */
export const reusedCalibration = async (
  opened: OpenedModel,
  { values, world }: ToolCalibration,
  source: CalibrationSource | undefined,
): Promise<CalibrationDone> => {
  const { cal_algorithm: algorithm, batches, batch_size: batchSize, seed } = values;
  const path = values.cal_histogram_file!;
  const content = await readHistograms(path);
  const reuse = {
    path,
    source,
    algorithm,
    batches,
    batchSize,
    seed,
    tensorRtVersion: values.tensorrt_version,
    keepFloat: keptFloat(values),
  };
  const calibrated = await calibratedFrom(opened, content, reuse);
  requireKept(calibrated, values);
  warnOfInfinities(calibrated, world);
  world.log(
    'WARNING',
    `Histograms of ${calibrated.statistics.images} images exist at ${path}. Reading them: no image was calibrated with.${shortOf(content.samples)}`,
  );
  if (source && !(await isCountedFrom(opened, content, { ...reuse, source })))
    world.log(
      'WARNING',
      `The histograms ${path} were counted over other data than ${nameOfSource(source)} with these --batches, --batch_size and --seed. Name another file by --cal_histogram_file to calibrate with those.`,
    );
  const [sample] = content.samples;
  return {
    calibrated,
    algorithm,
    seed: sample?.seed ?? seed,
    source: path,
    imagesSha256: sample?.dataSha256 ?? '',
  };
};

/** @throws UserError Usage where a comparison is asked for and no image is known to be left for it */
const requireKept = ({ kept }: Calibrated, values: ExportValues): void => {
  if (values.min_agreement === undefined || kept.length > 0) return;
  throw new UserError(
    'Usage',
    `Comparing int8 with float: which images the histograms ${values.cal_histogram_file} were not counted over is not known here. Give the --cal_image_dir, --batches, --batch_size and --seed of that calibration, or leave --min_agreement out.`,
  );
};

const shortOf = (samples: readonly CountedSample[]): string => {
  const parts = samples.filter(({ of }) => of > 1).map(({ part, of }) => `${part}/${of}`);
  return parts.length === 0 ? '' : ` They are of a part of the images only (${parts.join(', ')}).`;
};

/** A pass over the images; what it counted is written if a file is named for it. @throws UserError as `measure` */
export const newCalibration = async (
  opened: OpenedModel,
  context: ToolCalibration,
  source: CalibrationSource,
): Promise<CalibrationDone> => {
  const { measurement, request, dataSha256: imagesSha256 } = await counted(opened, context, source);
  const { algorithm, seed } = request;
  const calibrated = concluded(opened, measurement, request);
  warnOfInfinities(calibrated, context.world);
  return { calibrated, algorithm, seed, source: nameOfSource(source), imagesSha256 };
};

const warnOfInfinities = ({ statistics }: Calibrated, { log }: ToolWorld): void => {
  for (const note of infiniteNotes(statistics.infinite)) log('WARNING', note);
};

/** `--cal_part`: the histograms of a part, and nothing else. @throws UserError as `measure`, OutputExists */
export const countPart = async (
  opened: OpenedModel,
  context: ToolCalibration,
  source: CalibrationSource,
): Promise<void> => {
  if (usesTrainedScales(opened, context.values.force_ptq))
    throw new UserError(
      'Usage',
      'Counting a part of the calibration images: the model was trained with quantisation, so nothing is calibrated. Leave --cal_part out to use its scales, or give --force_ptq.',
    );
  await counted(opened, context, source);
  context.world.log(
    'INFO',
    'Nothing was exported: tlt-model merge-histograms adds the parts, and --cal_histogram_file uses their sum',
  );
};

const counted = async (
  opened: OpenedModel,
  { values, world }: ToolCalibration,
  source: CalibrationSource,
) => {
  const request = requestOf(values, source, world);
  if (source.kind === 'Loader')
    world.log('INFO', `Calibrating on the images of the training, by the data loader of ${source.name}`);
  const measurement = await measure(opened, { request, watch: world });
  if (source.kind === 'TensorfileOfImages')
    world.log('INFO', `Calibration tensorfile was saved into ${source.path}`);
  const dataSha256 = await digestOfSource(source, request);
  const path = values.cal_histogram_file;
  if (path !== undefined) {
    const bytes = await histogramBytes(opened, measurement, request);
    await writeWholeFile(path, bytes, { overwrite: false });
    world.log('INFO', savedText(path, measurement, request.part));
  }
  return { measurement, request, dataSha256 };
};

const savedText = (
  path: string,
  { counted: { histograms, images } }: Measurement,
  part?: SamplePart,
): string =>
  `Histograms of ${histograms.size} tensors from ${images} images${part ? ` (part ${part.part} of ${part.of})` : ''} were saved into ${path}`;

const requestOf = (
  values: ExportValues,
  source: CalibrationSource,
  { log }: ToolWorld,
): CalibrationRequest => {
  const part = partOf(values);
  return {
    source,
    batches: values.batches,
    batchSize: values.batch_size,
    algorithm: values.cal_algorithm,
    seed: values.seed,
    tensorRtVersion: values.tensorrt_version,
    keepFloat: keptFloat(values),
    reported: values.report !== undefined,
    errorBudget: {
      share: values.max_broken,
      onBroken: ({ message }: UserError) => log('WARNING', `Left out: ${message}`),
    },
    ...(part && { part }),
  };
};

/** @throws UserError Usage */
const partOf = ({ cal_part: text, batches, batch_size }: ExportValues): SamplePart | undefined => {
  if (text === undefined) return undefined;
  const [part, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.slice(1).map(Number) ?? [];
  const images = batches * batch_size;
  if (part !== undefined && of !== undefined && 1 <= part && part <= of && of <= images) return { part, of };
  throw new UserError(
    'Usage',
    `Counting a part of the calibration images: --cal_part is '${text}', and must be I/N with I from 1 to N and N at most the ${images} images, for example 1/2.`,
  );
};
