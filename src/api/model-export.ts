/** ModelExport: one model, exported once and built into an engine per device class. */
import { algorithms, architectureNames, architectures, dataTypes } from '../contract/architectures.ts';
import { defaults } from '../contract/defaults.ts';
import { modelExportStatusSchema } from './model-export-status.ts';
import { flag, integer, keyedList, object, oneOf, text, type ValueOf } from './schema.ts';
import {
  labelMap,
  localReferences,
  memoryQuantity,
  nameLimits,
  nodeSelector,
  resources,
  sha256,
  shortName,
  storageUri,
  tolerations,
} from './shared-schemas.ts';

const source = (what: string) =>
  object(`${what}.`, { uri: storageUri(`Where ${what.toLowerCase()} lies.`) }, { required: ['uri'] });

const calibration = object(
  'Where the int8 calibration data come from, and how thresholds are chosen.',
  {
    source: oneOf(
      ['ImageDirectory', 'Tensorfile', 'DataLoader', 'Model'],
      'Which kind of calibration data. A model that was trained with quantisation brings its scales with it, unless forcePtq is true: Model needs nothing else, and images only compare.',
      { default: 'ImageDirectory' },
    ),
    imageDirectory: source('A folder of .jpg, .jpeg and .png images'),
    tensorfile: source('A calibration tensorfile'),
    batches: integer('Batches read for calibration.', {
      default: defaults.batches,
      minimum: 1,
      maximum: 100000,
    }),
    batchSize: integer('Images in a batch.', { default: defaults.batchSize, minimum: 1, maximum: 1024 }),
    algorithm: oneOf(algorithms, 'How the threshold of a tensor is chosen.', { default: defaults.algorithm }),
    minAgreement: integer(
      'Least signal-to-noise ratio, in decibel, of the int8 outputs against the float ones on images kept out of calibration. Below it the export fails with the worst tensors named. No gate if left out.',
      { minimum: 1, maximum: 200 },
    ),
  },
  {
    required: ['source', 'batches', 'batchSize', 'algorithm'],
    validations: [
      {
        rule: "self.source != 'ImageDirectory' || (has(self.imageDirectory) && !has(self.tensorfile))",
        message: 'source ImageDirectory takes imageDirectory.uri, and no tensorfile',
      },
      {
        rule: "self.source != 'Tensorfile' || (has(self.tensorfile) && !has(self.imageDirectory))",
        message: 'source Tensorfile takes tensorfile.uri, and no imageDirectory',
      },
      {
        rule: "self.source != 'DataLoader' || (!has(self.tensorfile) && !has(self.imageDirectory))",
        message:
          'source DataLoader reads what the experiment spec names: leave out imageDirectory and tensorfile',
      },
      {
        rule: "self.source != 'Model' || (!has(self.tensorfile) && (has(self.imageDirectory) || !has(self.minAgreement)))",
        message:
          'source Model takes no tensorfile, and for minAgreement an imageDirectory.uri with images to compare on',
      },
    ],
  },
);

const jobTemplate = object('What the pods of this export carry beside their work.', {
  serviceAccountName: text('Runs the pods as this ServiceAccount; its token is never mounted.'),
  priorityClassName: text('PriorityClass of the pods.'),
  imagePullSecrets: localReferences,
  labels: labelMap('Labels for Jobs and pods, for example a queue name.', 63),
  annotations: labelMap('Annotations for Jobs and pods.', 4096),
  exportResources: resources('Resources of the export container.'),
  engineResources: resources(
    'Resources of the engine build container, beside what the device class asks for.',
  ),
  exportPlacement: object('Where the export pod may run.', { nodeSelector, tolerations }),
  activeDeadlineSeconds: integer('Seconds after which a Job is given up, waiting included.', {
    format: 'int64',
    minimum: 60,
    maximum: 604800,
  }),
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
      'The trained model: .tlt, or .onnx.',
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
    experimentSpec: object(
      'The experiment spec that the model was trained with.',
      {
        configMapKeyRef: object(
          'A key of a ConfigMap in this namespace.',
          { name: text('Name of the ConfigMap.'), key: text('Which key of it.') },
          { required: ['name', 'key'] },
        ),
        uri: storageUri('Where the spec file lies.'),
      },
      {
        validations: [
          {
            rule: 'has(self.configMapKeyRef) != has(self.uri)',
            message: 'give the experiment spec by configMapKeyRef or by uri, one of the two',
          },
        ],
      },
    ),
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
