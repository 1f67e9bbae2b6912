/** ModelExport: a model that is exported once and built into one engine per device class. */
import { architectureNames, architectures, dataTypes } from '../../ground/contract/architectures.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
import { flag, integer, keyedList, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';
import { calibration } from './calibration.ts';
import { codec } from './codec.ts';
import {
  deadlineSeconds,
  helpers,
  managedBy,
  memoryQuantity,
  placement,
  podFields,
  resources,
} from './jobs-schema.ts';
import { model } from './model.ts';
import { modelExportStatusSchema } from './model-export-status.ts';
import { requireS3, s3 } from './s3.ts';
import { experimentSpec, labelName, nameLimit, storageUri, suspend } from './shared-schemas.ts';

const jobs = object('Settings of the Jobs and their pods.', {
  export: object('The Job that exports and calibrates the model.', {
    resources: resources('Resources of the export container.'),
    placement,
    deadlineSeconds,
  }),
  engine: object('The Jobs that build engines. The device class sets where they run.', {
    resources: resources(
      'Resources of the build container, in addition to the extended resources of the device class.',
    ),
    deadlineSeconds,
  }),
  helpers,
  ...podFields,
});

const deviceClass = object(
  'A device class to build an engine for.',
  {
    name: text('Name of the ExportDeviceClass.', { maxLength: nameLimit, minLength: 1 }),
    dataType: oneOf(dataTypes, 'Precision of this engine. Defaults to spec.dataType.'),
  },
  { required: ['name'] },
);

const withSpec = architectureNames.filter((name) => architectures[name].needsSpec);

const specSchema = object(
  'The model to export, the calibration data, and the device classes to build engines for.',
  {
    architecture: oneOf(architectureNames, 'The TLT module that the model was trained with.'),
    model,
    keySecretRef: object(
      'The Secret with the encryption key of the model; the .etlt is encrypted with the same key. Only pods mount it; the operator never reads it.',
      {
        name: text('Name of the Secret in this namespace.', { minLength: 1 }),
        key: text('Key in the Secret.', { default: 'key', minLength: 1 }),
      },
      { required: ['name', 'key'] },
    ),
    codec,
    experimentSpec,
    dataType: oneOf(dataTypes, 'Precision of the engines.', { default: defaults.dataType }),
    forcePtq: flag('Discard the scales of a model trained with quantization (QAT), and calibrate.', {
      default: false,
    }),
    strictTypeConstraints: flag(
      'Do not let the builder of classic TensorRT choose another precision for speed in int8 and fp16 engines. Other backends never do.',
      { default: false },
    ),
    maxBatchSize: integer('Maximum batch size of the engines.', {
      default: defaults.maxBatchSize,
      minimum: 1,
      maximum: numberLimits.maxBatchSize,
    }),
    maxWorkspaceSize: {
      ...memoryQuantity('Maximum workspace memory of the engine builder.'),
      default: '1Gi',
    },
    calibration,
    output: object(
      'Where to store the artifacts.',
      { uri: storageUri('A folder. Artifacts are stored in subfolders named by content key.') },
      { required: ['uri'] },
    ),
    deviceClasses: keyedList('The device classes to build engines for.', deviceClass, {
      key: 'name',
      minItems: 1,
      maxItems: 64,
    }),
    failurePolicy: oneOf(['Continue', 'FailFast'], 'Whether one failed engine stops the other engines.', {
      default: 'Continue',
    }),
    s3,
    suspend,
    managedBy,
    jobs,
  },
  {
    required: [
      'architecture',
      'model',
      'keySecretRef',
      'dataType',
      'forcePtq',
      'strictTypeConstraints',
      'maxBatchSize',
      'maxWorkspaceSize',
      'output',
      'deviceClasses',
      'failurePolicy',
      'suspend',
    ],
    validations: [
      {
        rule: "!self.forcePtq || !has(self.calibration) || self.calibration.source != 'Model'",
        message:
          'forcePtq discards the scales of the model and calibrates: choose a calibration.source that provides data',
      },
      {
        rule: "has(self.calibration) || (self.dataType != 'int8' && !self.deviceClasses.exists(c, has(c.dataType) && c.dataType == 'int8'))",
        message:
          'int8 requires calibration data: set spec.calibration, for example calibration.imageDirectory.uri',
      },
      {
        rule: `has(self.experimentSpec) || !(self.architecture in [${withSpec.map((name) => `'${name}'`).join(', ')}])`,
        message:
          'this architecture requires spec.experimentSpec, the spec file that the model was trained with',
      },
      {
        rule: "!has(self.calibration) || self.calibration.source != 'DataLoader' || has(self.experimentSpec)",
        message: 'source DataLoader requires spec.experimentSpec, which names the training data',
      },
      requireS3([
        'output.uri',
        'model.uri',
        'experimentSpec.uri',
        'calibration.imageDirectory.uri',
        'calibration.tensorfile.uri',
      ]),
    ],
  },
);

/** Schema of the ModelExport kind, from which its CRD, its types and its reference page follow. */
export const modelExportSchema = object(
  'Exports a TLT/TAO model to an encrypted .etlt with an optional int8 calibration cache, and builds one engine per device class.',
  { spec: specSchema, status: modelExportStatusSchema },
  {
    required: ['spec'],
    validations: labelName,
  },
);

/** `spec`, with defaults filled in. */
export type ModelExportSpec = ValueOf<typeof specSchema>;
/** `status`. */
export type ModelExportStatus = ValueOf<typeof modelExportStatusSchema>;

/** The fields of metav1.ObjectMeta that the operator reads. */
export type ObjectMeta = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
};

/** A ModelExport as the apiserver returns it. */
export type ModelExport = {
  readonly apiVersion: string;
  readonly kind: 'ModelExport';
  readonly metadata: ObjectMeta;
  readonly spec: ModelExportSpec;
  readonly status?: ModelExportStatus;
};
