/** ModelExport: one model, exported once and built into an engine per device class. */
import { architectureNames, architectures, dataTypes } from '../../ground/contract/architectures.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import { calibration } from './calibration.ts';
import { codec } from './codec.ts';
import { modelExportStatusSchema } from './model-export-status.ts';
import { flag, integer, keyedList, object, oneOf, text, type ValueOf } from './schema.ts';
import {
  activeDeadlineSeconds,
  experimentSpec,
  memoryQuantity,
  nameLimits,
  nodeSelector,
  podFields,
  resources,
  sha256,
  shortName,
  storageUri,
  tolerations,
} from './shared-schemas.ts';

const jobTemplate = object('What the pods of this export carry beside their work.', {
  ...podFields,
  exportResources: resources('Resources of the export container.'),
  engineResources: resources(
    'Resources of the engine build container, beside what the device class asks for.',
  ),
  exportPlacement: object('Where the export pod may run.', { nodeSelector, tolerations }),
  activeDeadlineSeconds,
});

const deviceClass = object(
  'A device class to build an engine for.',
  {
    name: text('Name of the ExportDeviceClass.', { maxLength: nameLimits.deviceClass, minLength: 1 }),
    dataType: oneOf(dataTypes, 'Precision of this engine, if other than spec.dataType.'),
  },
  { required: ['name'] },
);

const withSpec = architectureNames.filter((name) => architectures[name].needsSpec);

const specSchema = object(
  'What to export, from what, and for which device classes.',
  {
    architecture: oneOf(architectureNames, 'The TLT export module that fits the model.'),
    model: object(
      'The trained model: .tlt, .hdf5 or .onnx.',
      {
        uri: storageUri('Where the model lies.'),
        sha256: sha256('Pins the file: the export fails if it is another one.'),
      },
      { required: ['uri'] },
    ),
    keySecretRef: object(
      'The Secret that holds the key of the .tlt, which is also the key of the .etlt. It is mounted into pods; the operator never reads it.',
      {
        name: text('Name of the Secret, in this namespace.', { minLength: 1 }),
        key: text('Which key of the Secret.', { default: 'key', minLength: 1 }),
      },
      { required: ['name', 'key'] },
    ),
    codec,
    experimentSpec,
    dataType: oneOf(dataTypes, 'Precision of the engines.', { default: defaults.dataType }),
    strictTypeConstraints: flag('For int8: no layer may fall back to a higher precision.', {
      default: false,
    }),
    forcePtq: flag('For a model trained with quantisation: throw its scales away and calibrate.', {
      default: false,
    }),
    maxBatchSize: integer('Largest batch that the engines take.', {
      default: defaults.maxBatchSize,
      minimum: 1,
      maximum: 1024,
    }),
    maxWorkspaceSize: {
      ...memoryQuantity('Memory that an engine builder may use for scratch.'),
      default: '1Gi',
    },
    calibration,
    output: object(
      'Where the artifacts go.',
      { uri: storageUri('A folder; artifacts lie below it under their content keys.') },
      { required: ['uri'] },
    ),
    deviceClasses: keyedList('The device classes to build engines for.', deviceClass, {
      key: 'name',
      minItems: 1,
      maxItems: 64,
    }),
    failurePolicy: oneOf(['Continue', 'FailFast'], 'Whether one failed engine stops the others.', {
      default: 'Continue',
    }),
    suspend: flag('Starts nothing, and suspends what runs, while true.', { default: false }),
    jobTemplate,
  },
  {
    required: [
      'architecture',
      'model',
      'keySecretRef',
      'dataType',
      'strictTypeConstraints',
      'forcePtq',
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
          'forcePtq throws the scales of the model away and calibrates: choose another calibration.source, with data',
      },
      {
        rule: "has(self.calibration) || (self.dataType != 'int8' && !self.deviceClasses.exists(c, has(c.dataType) && c.dataType == 'int8'))",
        message: 'int8 needs calibration data: set spec.calibration, for example its imageDirectory.uri',
      },
      {
        rule: `has(self.experimentSpec) || !(self.architecture in [${withSpec.map((name) => `'${name}'`).join(', ')}])`,
        message: 'this architecture needs spec.experimentSpec: the spec file that the model was trained with',
      },
      {
        rule: "!has(self.calibration) || self.calibration.source != 'DataLoader' || has(self.experimentSpec)",
        message: 'source DataLoader needs spec.experimentSpec, which names the training data',
      },
    ],
  },
);

export const modelExportSchema = object(
  'Exports a TLT/TAO model once (an encrypted .etlt, an int8 calibration cache) and builds one engine per device class.',
  { spec: specSchema, status: modelExportStatusSchema },
  {
    required: ['spec'],
    validations: shortName(nameLimits.modelExport),
  },
);

export type ModelExportSpec = ValueOf<typeof specSchema>;
export type ModelExportStatus = ValueOf<typeof modelExportStatusSchema>;

export type ObjectMeta = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
};

export type ModelExport = {
  readonly apiVersion: string;
  readonly kind: 'ModelExport';
  readonly metadata: ObjectMeta;
  readonly spec: ModelExportSpec;
  readonly status?: ModelExportStatus;
};
