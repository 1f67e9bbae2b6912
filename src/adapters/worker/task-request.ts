/** Converts the task of an export pod to a request for the export pipeline. */
import type { OpenedModel } from '../../export/models/open-model.ts';
import type { ExportRequest, Int8Request } from '../../export/pipeline/request.ts';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { UserError } from '../../ground/base/errors.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { field } from '../../ground/contract/fields.ts';
import type { CalibrationTask, ExportTask } from '../../ground/contract/task.ts';
import { makeHistogramStore, makePartStores } from './histogram-stores.ts';
import type { TaskContext } from './task-context.ts';
import type { TaskSource } from './task-source.ts';

/** The opened inputs of a task. */
export type TaskInputs = {
  readonly opened: OpenedModel;
  readonly key: string;
  readonly cipher: Cipher | undefined;
  readonly data: TaskSource | undefined;
  /** See `ExportRequest.deployment`; undefined if nothing is exported. */
  readonly deployment: string | undefined;
  readonly context: TaskContext;
};

/** Makes the request. Messages of the pipeline name fields of the spec. */
export const requestFromTask = (task: ExportTask, given: TaskInputs): ExportRequest => {
  const { opened, key, cipher, deployment } = given;
  const { calibration } = task;
  return {
    opened,
    architecture: task.architecture,
    dataType: task.dataType,
    source: task.model.uri,
    key,
    // Engine pods need no codec, because they read the .etlt that is encrypted with age.
    etlts: [
      { role: 'etlt', options: {} },
      ...(cipher ? [{ role: 'codecEtlt', options: { cipher } } as const] : []),
    ],
    forcePtq: task.forcePtq,
    keepFloat: calibration?.keepFloat ?? [],
    tensorRtVersion: defaults.tensorRtVersion,
    wantsTensorScales: true,
    int8: calibration && makeInt8Request(task, calibration, given),
    wantsVerification: true,
    ...(deployment !== undefined && { deployment }),
    wantsReport: true,
    buildsEngine: false,
    audience: 'spec',
  };
};

const makeInt8Request = (
  { histograms, parts }: ExportTask,
  calibration: CalibrationTask,
  { data, context }: TaskInputs,
): Int8Request => {
  const { batches, batchSize, algorithm, maxBrokenPercent = 0 } = calibration;
  const errorBudget = {
    share: maxBrokenPercent / 100,
    onBroken: ({ message }: UserError) => context.log('WARNING', `Skipped: ${message}`),
  };
  return {
    existing: undefined,
    calibration: { batches, batchSize, algorithm, seed: defaults.seed, errorBudget },
    source: () => {
      if (data === undefined || calibration.source === 'Model') throw sourceMissing();
      return { source: data.source, name: data.uri, sha256: data.sha256 };
    },
    histograms: histograms === undefined ? undefined : makeHistogramStore(histograms, context),
    ...(parts && { parts: makePartStores(parts, context) }),
    comparedFolder: data?.source.kind === 'Images' ? data.source.folder : undefined,
    namesData: data !== undefined,
    minAgreement: calibration.minAgreement,
    sensitivity: calibration.sensitivity ?? false,
    requireInt8: calibration.requireInt8 ?? false,
    equalize: calibration.equalize ?? defaults.equalize,
    chooseAlgorithm: calibration.chooseAlgorithm ?? false,
  };
};

const sourceMissing = (): UserError =>
  new UserError(
    'CalibrationSourceMissing',
    `Calibrating from the model itself: no scales from training are used (the model has none, or ${field('forcePtq')} ignores them). Set spec.calibration.source to ImageDirectory, with imageDirectory.uri.`,
  );
