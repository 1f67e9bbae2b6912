/** The calibration of an export pod: a pass over the data, or what an earlier pod counted of the same data. */

import type { OpenedModel } from '../../export/models/open-model.ts';
import { requireAgreement } from '../../export/pipeline/agreement-gate.ts';
import {
  type Calibrated,
  type CalibrationRequest,
  concluded,
  measure,
} from '../../export/pipeline/export.ts';
import { calibratedFrom, histogramBytes, isSameCalibration } from '../../export/pipeline/histograms.ts';
import type { CalibrationDone } from '../../export/pipeline/report.ts';
import { parseHistogramFile } from '../../formats/scales/histogram-file.ts';
import { floatLayers } from '../../graph/precision/float-layers.ts';
import { infiniteNotes } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import type { TaskSource } from './task-source.ts';
import type { TaskWorld } from './task-world.ts';

export type CalibrationWork = {
  readonly task: ExportTask;
  readonly opened: OpenedModel;
  /** What calibration reads; undefined where nothing is calibrated, or the model alone is asked. */
  readonly data: TaskSource | undefined;
};

/** @throws UserError with the reason that status shows */
export const calibrateTask = async (
  { task, opened, data }: CalibrationWork,
  world: TaskWorld,
): Promise<CalibrationDone> => {
  if (data === undefined || task.calibration!.source === 'Model')
    throw new UserError(
      'CalibrationSourceMissing',
      'Calibrating from the model itself: there are no scales of training in use (the model has none, or spec.forcePtq throws them away). Set spec.calibration.source to ImageDirectory, with imageDirectory.uri.',
    );
  const { keepFloat = [], minAgreement: least } = task.calibration!;
  floatLayers(opened.model, keepFloat); // throws now rather than after the images
  const request = requestOf(task, data, world);
  const calibrated =
    (await earlier(opened, { request, uri: task.histograms }, world)) ??
    (await counted(opened, { request, uri: task.histograms }, world));
  for (const note of infiniteNotes(calibrated.statistics.infinite)) world.warn(note);
  await requireAgreement(opened, { quantised: calibrated, least, watch: world });
  const { algorithm, seed } = request;
  return { calibrated, algorithm, seed, source: data.uri, imagesSha256: data.sha256 };
};

const requestOf = (
  { calibration }: ExportTask,
  { source }: TaskSource,
  { warn }: TaskWorld,
): CalibrationRequest => {
  const { batches, batchSize, algorithm, keepFloat = [], maxBrokenPercent = 0 } = calibration!;
  const { seed, tensorRtVersion } = defaults;
  const errorBudget = {
    share: maxBrokenPercent / 100,
    onBroken: ({ message }: UserError) => warn(`Left out: ${message}`),
  };
  const sampling = { source, batches, batchSize, seed };
  return { ...sampling, algorithm, tensorRtVersion, keepFloat, errorBudget, reported: true };
};

type Counting = {
  readonly request: CalibrationRequest;
  /** Where the histograms lie or go. */
  readonly uri: string | undefined;
};

/** What an earlier pod counted; undefined if there is nothing, or of another model or other data. */
const earlier = async (
  opened: OpenedModel,
  { request, uri }: Counting,
  { store, signal, warn }: TaskWorld,
): Promise<Calibrated | undefined> => {
  const bytes = uri === undefined ? undefined : await store.read(uri, signal);
  if (bytes === undefined) return undefined;
  try {
    const content = parseHistogramFile(bytes);
    if (!(await isSameCalibration(opened, content, request))) return undefined;
    const calibrated = await calibratedFrom(opened, content, { ...request, path: uri! });
    warn(`Thresholds come from the histograms ${uri} of an earlier export: no image was calibrated with.`);
    return calibrated;
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.reason !== 'HistogramsInvalid') throw thrown;
    warn(`Counted again. ${thrown.message}`);
    return undefined;
  }
};

/** Stored before any gate: who then chooses another algorithm need not wait for the images again. */
const counted = async (
  opened: OpenedModel,
  { request, uri }: Counting,
  world: TaskWorld,
): Promise<Calibrated> => {
  const measurement = await measure(opened, { request, watch: world });
  if (uri !== undefined) await keep(uri, await histogramBytes(opened, measurement, request), world);
  return concluded(opened, measurement, request);
};

/** A later export can do without them, so this one does not fail for their sake. */
const keep = async (uri: string, bytes: Uint8Array, { store, signal, warn }: TaskWorld): Promise<void> => {
  try {
    await store.put(uri, bytes, signal);
  } catch (thrown) {
    if (!(thrown instanceof UserError) || signal.aborted) throw thrown;
    warn(`The histograms were not kept. ${thrown.message}`);
  }
};
