/**
 * Resolves a reference to a CalibrationTensorfile: the file's URI and digest replace the reference in the spec, so a new
 * file gives a new export key. Pure.
 */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { needsCalibration } from '../jobs/keys.ts';
import type { ObservedExport } from './observed.ts';

/** The file that calibration reads, and the name of the object that made it. */
export type ReferencedFile = NonNullable<NonNullable<ModelExportStatus['export']>['calibrationTensorfile']>;

/** Name of the CalibrationTensorfile that the export requires; undefined if none. */
export const findTensorfileName = ({ spec }: ModelExport): string | undefined =>
  needsCalibration(spec) && spec.calibration?.source === 'Tensorfile'
    ? spec.calibration.tensorfile?.calibrationTensorfileRef?.name
    : undefined;

/** The file, or undefined until the current generation is ready: an older file belongs to another spec. */
export const findReadyFile = (tensorfile: CalibrationTensorfile | undefined): ReferencedFile | undefined => {
  const { metadata, status } = tensorfile ?? {};
  if (!metadata || metadata.deletionTimestamp || !status?.tensorfile) return undefined;
  const ready = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  if (!ready || status.observedGeneration !== metadata.generation) return undefined;
  const { uri, sha256 } = status.tensorfile;
  return { name: metadata.name, uri, sha256 };
};

/** Copy of the ModelExport in which the file replaces the reference. */
export const resolveReference = (
  modelExport: ModelExport,
  { uri, sha256 }: Pick<ReferencedFile, 'uri' | 'sha256'>,
): ModelExport => {
  const { spec } = modelExport;
  return {
    ...modelExport,
    spec: { ...spec, calibration: { ...spec.calibration!, tensorfile: { uri, sha256 } } },
  };
};

export type TensorfileWait = {
  readonly reason: 'TensorfileMissing' | 'WaitingForTensorfile';
  readonly message: string;
};

/** Why the export waits. A failed CalibrationTensorfile does not fail this export; it resumes once that is fixed. */
export const explainTensorfileWait = (name: string, { tensorfile }: ObservedExport): TensorfileWait => {
  const its = `CalibrationTensorfile ${name}`;
  if (!tensorfile || tensorfile.metadata.deletionTimestamp)
    return {
      reason: 'TensorfileMissing',
      message: `${its} does not exist in this namespace: create it, or fix spec.calibration.tensorfile`,
    };
  const stalled = tensorfile.status?.conditions?.find(
    ({ type, status }) => type === 'Stalled' && status === 'True',
  );
  const state = stalled ? `is stalled (${stalled.reason}): ${stalled.message}` : 'is not ready yet';
  return { reason: 'WaitingForTensorfile', message: `${its} ${state}` };
};
