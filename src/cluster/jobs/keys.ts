/**
 * Content keys: what an artifact's bytes depend on, as far as the operator can see it. Equal keys mean equal
 * artifacts, so a key is built once; whatever is not listed here can change without a rebuild.
 */

import { contentKey } from '../../ground/base/digest.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import { type Backend, backends } from '../../ground/contract/backends.ts';
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from '../api/export-device-class.ts';
import type { ModelExport } from '../api/model-export.ts';

/** Raise it when the same inputs would give another `.etlt` payload or calibration cache. */
const exportFormatVersion = 1;

export const dataTypeOf = (spec: ModelExport['spec'], deviceClass: string): DataType =>
  spec.deviceClasses.find(({ name }) => name === deviceClass)?.dataType ?? spec.dataType;

/** Whether any engine of this export is int8, so that the export must calibrate. */
export const needsCalibration = (spec: ModelExport['spec']): boolean =>
  spec.deviceClasses.some(({ name }) => dataTypeOf(spec, name) === 'int8') || spec.dataType === 'int8';

/** The bytes behind a URI and a Secret stand here by their names, or by the digests that the user pins. */
export const exportKey = ({ spec }: ModelExport): string =>
  contentKey({
    exportFormatVersion,
    architecture: spec.architecture,
    model: spec.model,
    key: spec.keySecretRef,
    experimentSpec: spec.experimentSpec,
    codec: spec.codec,
    calibration: needsCalibration(spec) ? calibrationContent(spec) : undefined,
    forcePtq: spec.forcePtq,
  });

/** Raise it when the same inputs would be counted otherwise. */
const histogramsFormatVersion = 1;

/** What the counts of a calibration depend on: all of an export but how thresholds are chosen and what they may cost. */
export const histogramsKey = ({ spec }: ModelExport): string => {
  const {
    algorithm: _,
    keepFloat: __,
    minAgreement: ___,
    sensitivity: ____,
    requireInt8: _____,
    ...data
  } = spec.calibration!;
  return contentKey({
    histogramsFormatVersion,
    architecture: spec.architecture,
    model: spec.model,
    key: spec.keySecretRef,
    experimentSpec: spec.experimentSpec,
    codec: spec.codec,
    data,
  });
};

/** What says the same as nothing must not make another key. */
const calibrationContent = ({ calibration }: ModelExport['spec']) =>
  calibration && {
    ...calibration,
    keepFloat: calibration.keepFloat?.length ? calibration.keepFloat : undefined,
    sensitivity: calibration.sensitivity || undefined,
    requireInt8: calibration.requireInt8 || undefined,
  };

/** Raise it when the same inputs would give other batches. */
const tensorfileFormatVersion = 1;

export const tensorfileKey = ({ spec }: CalibrationTensorfile): string =>
  contentKey({
    tensorfileFormatVersion,
    architecture: spec.architecture,
    experimentSpec: spec.experimentSpec,
    dataRoot: spec.dataRoot,
    maxBatches: spec.maxBatches,
    useValidationSet: spec.useValidationSet,
    seed: spec.seed,
    maxBrokenPercent: spec.maxBrokenPercent,
  });

export type EngineInputs = {
  readonly spec: ModelExport['spec'];
  readonly deviceClass: ExportDeviceClass;
  /** Digests of what the export made. */
  readonly etltSha256: string;
  readonly calibrationCacheSha256: string | undefined;
};

export const engineKey = ({
  spec,
  deviceClass,
  etltSha256,
  calibrationCacheSha256,
}: EngineInputs): string => {
  const { engine, hardware, nodeSelector } = deviceClass.spec;
  const backend = backends[engine.backend as Backend];
  const dataType = dataTypeOf(spec, deviceClass.metadata.name);
  return contentKey({
    etltSha256,
    calibrationCacheSha256: dataType === 'int8' ? calibrationCacheSha256 : undefined,
    dataType,
    maxBatchSize: spec.maxBatchSize,
    maxWorkspaceSize: spec.maxWorkspaceSize,
    planFormatVersion: backend.planFormatVersion,
    engine,
    // A builder that compiles for a named target gives the same bytes on any node.
    builtOn: backend.needsComputeCapability ? undefined : { hardware, nodeSelector },
  });
};
