/** ModelExport: one model, exported once and built into an engine per device class. */
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
import { experimentSpec, labelName, nameLimit, storageUri } from './shared-schemas.ts';

const jobs = object('What Jobs and pods carry beside their work.', {
  export: object('The Job that exports and calibrates.', {
    resources: resources('Resources of the export container.'),
    placement,
    deadlineSeconds,
  }),
  engine: object('The Jobs that build engines; the device class says where they run.', {
    resources: resources('Resources of the build container, beside the devices of the device class.'),
    deadlineSeconds,
  }),
  helpers,
  ...podFields,
});

const deviceClass = object(
  'A device class to build an engine for.',
  {
    name: text('Name of the ExportDeviceClass.', { maxLength: nameLimit, minLength: 1 }),
    dataType: oneOf(dataTypes, 'Precision of this engine, if other than spec.dataType.'),
  },
  { required: ['name'] },
);

const withSpec = architectureNames.filter((name) => architectures[name].needsSpec);

const specSchema = object(
  'What to export, from what, and for which device classes.',
  {
    architecture: oneOf(architectureNames, 'The TLT export module that fits the model.'),
    model,
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
    forcePtq: flag('For a model trained with quantisation: throw its scales away and calibrate.', {
      default: false,
    }),
    maxBatchSize: integer('Largest batch that the engines take.', {
      default: defaults.maxBatchSize,
      minimum: 1,
      maximum: numberLimits.maxBatchSize,
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
    validations: labelName,
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
