/**
 * Content keys of artifacts: everything that the operator knows to affect their bytes. Equal keys mean equal artifacts,
 * so each is made once. Fields that are not listed can change without a rebuild.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { parseByteQuantity } from '../../ground/base/quantity.ts';
import { remember } from '../../ground/base/remember.ts';
import type { DataType } from '../../ground/contract/architectures.ts';
import { type Backend, type BackendRow, backends } from '../../ground/contract/backends.ts';
import { type CalibrationTensorfile, calibrationTensorfileSchema } from '../api/calibration-tensorfile.ts';
import { namedAmounts } from '../api/class-pods.ts';
import { type ExportDeviceClass, exportDeviceClassSchema } from '../api/export-device-class.ts';
import { type ModelExport, modelExportSchema } from '../api/model-export.ts';
import { chooseKey, computeKey, computeKeys, type KeyTable } from './key-table.ts';

const experimentSpec = [
  'experimentSpec.configMapKeyRef.name',
  'experimentSpec.configMapKeyRef.key',
  'experimentSpec.uri',
  'experimentSpec.sha256',
] as const;

/** The content behind a URI or a Secret counts by its name, or by the digest that the user pins. */
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
  's3.endpoint',
  ...experimentSpec,
] as const;

/** Fields that decide what a calibration counts. */
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

/** Fields that decide how thresholds follow from the counts. */
const thresholdFields = [
  'calibration.algorithm',
  'calibration.minAgreement',
  'calibration.requireInt8',
  'calibration.keepFloat',
  'calibration.sensitivity',
  'calibration.chooseAlgorithm',
] as const;

/** Fields that decide whether the graph is changed for int8. */
const graphFields = ['calibration.equalize'] as const;

/** Fields of the spec of a ModelExport, if no engine is int8. */
export const floatExportTable: KeyTable = { version: 1, since: { v1beta1: [...modelFields, 'forcePtq'] } };
/** Fields of the spec of a ModelExport, if an engine is int8. */
export const int8ExportTable: KeyTable = {
  version: 1,
  since: { v1beta1: [...modelFields, 'forcePtq', ...dataFields, ...thresholdFields, ...graphFields] },
};
/** Fields of the spec of a ModelExport that decide its histograms. */
export const histogramsTable: KeyTable = { version: 1, since: { v1beta1: [...modelFields, ...dataFields] } };
/** Fields of the spec of a CalibrationTensorfile. */
export const tensorfileTable: KeyTable = {
  version: 1,
  since: {
    v1beta1: [
      'architecture',
      ...experimentSpec,
      's3.endpoint',
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

/**
 * Fields of the device class, for builders that compile for a named target: they produce the same bytes on any node.
 */
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
/** Fields of the device class, for builders that compile for the device that they run on. */
export const deviceTable: KeyTable = {
  version: 1,
  since: {
    v1beta1: [
      ...targetTable.since.v1beta1!,
      'engine.dlaCore',
      'engine.dlaGpuFallback',
      'engine.tensorRt.int8',
      'engine.prefer',
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

/** The precision of the engine of a device class. */
export const dataTypeOf = (spec: ModelExport['spec'], deviceClass: string): DataType =>
  spec.deviceClasses.find(({ name }) => name === deviceClass)?.dataType ?? spec.dataType;

/** Whether an engine of this export is int8, so that the export must calibrate. */
export const needsCalibration = (spec: ModelExport['spec']): boolean =>
  spec.deviceClasses.some(({ name }) => dataTypeOf(spec, name) === 'int8') || spec.dataType === 'int8';

const exportSpec = modelExportSchema.properties.spec;

/**
 * The content key of an export.
 * @param modelExport with the file of a CalibrationTensorfile in place of a reference to it
 */
export const computeExportKey = ({ spec, status }: ModelExport): string =>
  chooseKey(computeExportKeys(spec), status?.export?.key);

const computeExportKeys = remember((spec: ModelExport['spec']): readonly string[] => {
  const calibrates = needsCalibration(spec);
  const table = calibrates ? int8ExportTable : floatExportTable;
  return computeKeys([table], { schema: exportSpec, object: spec, facts: { calibrates } });
});

/** The content key of the histograms: like that of the export, without the choice of thresholds. */
export const computeHistogramsKey = ({ spec }: ModelExport): string =>
  computeKey(histogramsTable, { schema: exportSpec, object: spec });

/** The content key of histograms that are counted in this many parts. */
export const computePartsKey = (modelExport: ModelExport, parts: number): string =>
  contentKey({ histograms: computeHistogramsKey(modelExport), parts });

/** The content key of a tensorfile. */
export const computeTensorfileKey = ({ spec, status }: CalibrationTensorfile): string => {
  const keyed = { schema: calibrationTensorfileSchema.properties.spec, object: spec };
  return chooseKey(computeKeys([tensorfileTable], keyed), status?.key);
};

/** What the key of an engine is computed from. */
export type EngineInputs = {
  readonly spec: ModelExport['spec'];
  readonly deviceClass: ExportDeviceClass;
  /** Digest of the model inside the .etlt, because each encryption produces other bytes. */
  readonly payloadDigest: string;
  readonly calibrationCacheSha256: string | undefined;
  /** Present where strict types change the engine. */
  readonly strictTypes?: true;
  /** Present where the accuracy gate decides which engine is stored. */
  readonly minAgreement?: number | undefined;
  /** Key of the engine in status. */
  readonly stored: string | undefined;
};

/** The content key of an engine. */
export const hashEngineInputs = (inputs: EngineInputs): string => {
  const { spec, deviceClass, payloadDigest, calibrationCacheSha256, strictTypes, stored } = inputs;
  const backend: BackendRow = backends[deviceClass.spec.engine.backend as Backend];
  const { needsComputeCapability, planFormatVersion, int8FormatVersion } = backend;
  const dataType = dataTypeOf(spec, deviceClass.metadata.name);
  const facts = {
    payloadDigest,
    calibrationCacheSha256: dataType === 'int8' ? calibrationCacheSha256 : undefined,
    dataType,
    strictTypes,
    minAgreement: inputs.minAgreement,
    maxBatchSize: spec.maxBatchSize,
    maxWorkspaceBytes: parseByteQuantity(spec.maxWorkspaceSize),
    planFormatVersion,
    int8FormatVersion: dataType === 'int8' ? int8FormatVersion : undefined,
  };
  const schema = exportDeviceClassSchema.properties.spec;
  const { spec: object } = deviceClass;
  if (needsComputeCapability) return chooseKey(computeKeys([targetTable], { schema, object, facts }), stored);
  const onDevice = { ...facts, resources: namedAmounts(object) };
  return chooseKey(computeKeys([deviceTable], { schema, object, facts: onDevice }), stored);
};
