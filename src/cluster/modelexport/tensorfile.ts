/**
 * A ModelExport that refers to a CalibrationTensorfile, as if it named the file itself: the reference becomes the
 * file's URI and digest, so another file is another export key. Pure.
 */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { needsCalibration } from '../jobs/keys.ts';
import type { Observed } from './observed.ts';

/** The file that calibration reads, and the name of the object that made it. */
export type ReferredFile = NonNullable<NonNullable<ModelExportStatus['export']>['calibrationTensorfile']>;

/** Of an object of this kind, the name of the CalibrationTensorfile that it needs; undefined if none. */
export const tensorfileName = ({ spec }: ModelExport): string | undefined =>
  needsCalibration(spec) && spec.calibration?.source === 'Tensorfile'
    ? spec.calibration.tensorfile?.calibrationTensorfileRef?.name
    : undefined;

/** Undefined while the present generation of the object is not ready: what it made before is of another spec. */
export const readyFile = (tensorfile: CalibrationTensorfile | undefined): ReferredFile | undefined => {
  const { metadata, status } = tensorfile ?? {};
  if (!metadata || metadata.deletionTimestamp || !status?.tensorfile) return undefined;
  const ready = status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
  if (!ready || status.observedGeneration !== metadata.generation) return undefined;
  const { uri, sha256 } = status.tensorfile;
  return { name: metadata.name, uri, sha256 };
};

/** The same ModelExport with the file in place of the reference. */
export const withFile = (
  modelExport: ModelExport,
  { uri, sha256 }: Pick<ReferredFile, 'uri' | 'sha256'>,
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

/** Why the export cannot start. Another object's failure is no failure of this one: it goes on once that is mended. */
export const tensorfileWait = (name: string, { tensorfile }: Observed): TensorfileWait => {
  const its = `CalibrationTensorfile ${name}`;
  if (!tensorfile || tensorfile.metadata.deletionTimestamp)
    return {
      reason: 'TensorfileMissing',
      message: `${its} does not exist in this namespace: create it, or mend spec.calibration.tensorfile`,
    };
  const stalled = tensorfile.status?.conditions?.find(
    ({ type, status }) => type === 'Stalled' && status === 'True',
  );
  const state = stalled ? `is stalled (${stalled.reason}): ${stalled.message}` : 'is not ready yet';
  return { reason: 'WaitingForTensorfile', message: `${its} ${state}` };
};
