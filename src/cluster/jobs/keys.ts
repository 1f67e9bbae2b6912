/**
 * Content keys: what an artifact's bytes depend on, as far as the operator can see it. Equal keys mean equal
 * artifacts, so a key is built once; whatever is not listed here can change without a rebuild.
 */
import { parseByteQuantity } from '../../ground/base/quantity.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import { type Backend, backends } from '../../ground/contract/backends.ts';
import { type CalibrationTensorfile, calibrationTensorfileSchema } from '../api/calibration-tensorfile.ts';
import { namedAmounts } from '../api/class-pods.ts';
import { type ExportDeviceClass, exportDeviceClassSchema } from '../api/export-device-class.ts';
import { type ModelExport, modelExportSchema } from '../api/model-export.ts';
import { chooseKey, computeKey, type KeyTable } from './key-table.ts';

const experimentSpec = [
  'experimentSpec.configMapKeyRef.name',
  'experimentSpec.configMapKeyRef.key',
  'experimentSpec.uri',
  'experimentSpec.sha256',
] as const;

/** The bytes behind a URI and a Secret are here by their names, or by the digests that the user pins. */
const modelFields = [
  'architecture',
  'model.uri',
  'model.sha256',
  'model.ports.input',
  'model.ports.outputs',
  'model.inputDims.channels',
  'model.inputDims.height',
  'model.inputDims.width',
  'model.preprocess.channelOrder',
  'model.preprocess.mean',
  'model.preprocess.scale',
  'keySecretRef.name',
  'keySecretRef.key',
  'codec.image',
  'codec.command',
  ...experimentSpec,
] as const;

/** Decide what a calibration counts. */
const dataFields = [
  'calibration.source',
  'calibration.imageDirectory.uri',
  'calibration.imageDirectory.sha256',
  'calibration.tensorfile.uri',
  'calibration.tensorfile.sha256',
  'calibration.dataLoader.dataRoot.uri',
  'calibration.dataLoader.dataRoot.pathInSpec',
  'calibration.batches',
  'calibration.batchSize',
  'calibration.maxBrokenPercent',
] as const;

/** Decide what becomes of the counts. */
const thresholdFields = [
  'calibration.algorithm',
  'calibration.minAgreement',
  'calibration.requireInt8',
  'calibration.keepFloat',
  'calibration.sensitivity',
] as const;

export const floatExportTable: KeyTable = { version: 1, since: { v1beta1: [...modelFields, 'forcePtq'] } };
export const int8ExportTable: KeyTable = {
  version: 1,
  since: { v1beta1: [...modelFields, 'forcePtq', ...dataFields, ...thresholdFields] },
};
export const histogramsTable: KeyTable = { version: 1, since: { v1beta1: [...modelFields, ...dataFields] } };
export const tensorfileTable: KeyTable = {
  version: 1,
  since: {
    v1beta1: [
      'architecture',
      ...experimentSpec,
      'dataRoot.uri',
      'dataRoot.pathInSpec',
      'maxBatches',
      'useValidationSet',
      'seed',
      'maxBrokenPercent',
    ],
  },
};

const builderFields = [
  'builderOptimizationLevel',
  'hardwareCompatibilityLevel',
  'maxAuxStreams',
  'versionCompatible',
] as const;

/** Of the device class: a builder that compiles for a named target gives the same bytes on any node. */
export const targetTable: KeyTable = {
  version: 1,
  since: {
    v1beta1: [
      'engine.backend',
      'engine.image',
      'engine.computeCapability',
      'engine.version',
      ...builderFields.flatMap((name) => [`engine.tensorRt.${name}`, `engine.tensorRtRtx.${name}`]),
    ],
  },
};
/** Of the device class, where the engine is made for the device that builds it. */
export const deviceTable: KeyTable = {
  version: 1,
  since: {
    v1beta1: [
      ...targetTable.since.v1beta1!,
      'engine.dlaCore',
      'engine.dlaGpuFallback',
      'engine.tensorRt.int8',
      'nodeSelector',
      'nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
      'runtimeClassName',
      'hardware.computeCapability',
      'hardware.products',
      'hardware.memoryMiB.min',
      'hardware.memoryMiB.max',
      'hardware.arch',
    ],
  },
};

export const dataTypeOf = (spec: ModelExport['spec'], deviceClass: string): DataType =>
  spec.deviceClasses.find(({ name }) => name === deviceClass)?.dataType ?? spec.dataType;

/** Whether any engine of this export is int8, so that the export must calibrate. */
export const needsCalibration = (spec: ModelExport['spec']): boolean =>
  spec.deviceClasses.some(({ name }) => dataTypeOf(spec, name) === 'int8') || spec.dataType === 'int8';

const exportSpec = modelExportSchema.properties.spec;

export const computeExportKey = ({ spec, status }: ModelExport): string => {
  const calibrates = needsCalibration(spec);
  const table = calibrates ? int8ExportTable : floatExportTable;
  return chooseKey([table], { schema: exportSpec, object: spec, facts: { calibrates } }, status?.export?.key);
};

/** What the counts of a calibration depend on: all of an export but how thresholds are chosen and what they may cost. */
export const computeHistogramsKey = ({ spec }: ModelExport): string =>
  computeKey(histogramsTable, { schema: exportSpec, object: spec });

export const computeTensorfileKey = ({ spec, status }: CalibrationTensorfile): string => {
  const keyed = { schema: calibrationTensorfileSchema.properties.spec, object: spec };
  return chooseKey([tensorfileTable], keyed, status?.key);
};

export type EngineInputs = {
  readonly spec: ModelExport['spec'];
  readonly deviceClass: ExportDeviceClass;
  /** Of the model in the .etlt: the ciphertext is another one at each export. */
  readonly payloadDigest: string;
  readonly calibrationCacheSha256: string | undefined;
  /** Present where strict types change the engine. */
  readonly strictTypes?: true;
  /** Key of the engine in status. */
  readonly stored: string | undefined;
};

export const hashEngineInputs = (inputs: EngineInputs): string => {
  const { spec, deviceClass, payloadDigest, calibrationCacheSha256, strictTypes, stored } = inputs;
  const { needsComputeCapability, planFormatVersion } = backends[deviceClass.spec.engine.backend as Backend];
  const dataType = dataTypeOf(spec, deviceClass.metadata.name);
  const facts = {
    payloadDigest,
    calibrationCacheSha256: dataType === 'int8' ? calibrationCacheSha256 : undefined,
    dataType,
    strictTypes,
    maxBatchSize: spec.maxBatchSize,
    maxWorkspaceBytes: parseByteQuantity(spec.maxWorkspaceSize),
    planFormatVersion,
  };
  const schema = exportDeviceClassSchema.properties.spec;
  const { spec: object } = deviceClass;
  if (needsComputeCapability) return chooseKey([targetTable], { schema, object, facts }, stored);
  const onDevice = { ...facts, resources: namedAmounts(object) };
  return chooseKey([deviceTable], { schema, object, facts: onDevice }, stored);
};
