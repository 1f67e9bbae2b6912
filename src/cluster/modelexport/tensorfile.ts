/**
 * Resolves the reference to a CalibrationTensorfile: the URI and digest of its file replace it in the spec, so a new
 * file changes the export key. Pure.
 */

import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { findTrue } from '../api/conditions.ts';
import type { ModelExport, ModelExportStatus } from '../api/model-export.ts';
import { needsCalibration } from '../jobs/keys.ts';
import type { ObservedExport } from './observed.ts';

/** The file that calibration reads, and the name of its CalibrationTensorfile. */
export type ReferencedFile = NonNullable<NonNullable<ModelExportStatus['export']>['calibrationTensorfile']>;

/** Name of the CalibrationTensorfile that the export references; undefined if none. */
export const findTensorfileName = ({ spec }: ModelExport): string | undefined =>
  needsCalibration(spec) && spec.calibration?.source === 'Tensorfile'
    ? spec.calibration.tensorfile?.calibrationTensorfileRef?.name
    : undefined;

/**
 * The file of a CalibrationTensorfile, or undefined until its current generation is ready: an older file belongs to
 * another spec.
 */
export const findReadyFile = (tensorfile: CalibrationTensorfile | undefined): ReferencedFile | undefined => {
  const { metadata, status } = tensorfile ?? {};
  if (!metadata || metadata.deletionTimestamp || !status?.tensorfile) return undefined;
  if (!findTrue(status.conditions, 'Ready') || status.observedGeneration !== metadata.generation)
    return undefined;
  const { uri, sha256 } = status.tensorfile;
  return { name: metadata.name, uri, sha256 };
};

/** A copy of the ModelExport with the file in place of the reference. */
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

/** Reason and message for conditions. */
export type TensorfileWait = {
  readonly reason: 'TensorfileMissing' | 'WaitingForTensorfile';
  readonly message: string;
};

/**
 * Why the export waits. A failed CalibrationTensorfile does not fail the export, which starts once the tensorfile is
 * ready.
 */
export const explainTensorfileWait = (name: string, { tensorfile }: ObservedExport): TensorfileWait => {
  const its = `CalibrationTensorfile ${name}`;
  if (!tensorfile || tensorfile.metadata.deletionTimestamp)
    return {
      reason: 'TensorfileMissing',
      message: `${its} does not exist in this namespace: create it, or fix spec.calibration.tensorfile`,
    };
  const stalled = findTrue(tensorfile.status?.conditions, 'Stalled');
  const state = stalled ? `is stalled (${stalled.reason}): ${stalled.message}` : 'is not ready yet';
  return { reason: 'WaitingForTensorfile', message: `${its} ${state}` };
};
