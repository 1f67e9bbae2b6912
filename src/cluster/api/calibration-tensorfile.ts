/** CalibrationTensorfile: a sample of the training data, preprocessed as in training, in a file of TLT's format. */
import { defaults } from '../../ground/contract/defaults.ts';
import { tensorfileModules } from '../../ground/contract/flags.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
import { digest, sizeBytes, tensorfileFacts } from '../../ground/contract/result-schema.ts';
import { flag, integer, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';
import { conditionsSchema } from './conditions.ts';
import { deadlineSeconds, managedBy, placement, podFields, resources } from './jobs-schema.ts';
import { lastHandledRequest, ledgerFields } from './ledger.ts';
import type { ObjectMeta } from './model-export.ts';
import {
  dataRoot,
  experimentSpec,
  labelName,
  maxBrokenPercent,
  observedGeneration,
  storageUri,
  unseen,
} from './shared-schemas.ts';

const jobs = object('What Jobs and pods carry beside their work.', {
  tensorfile: object('The Job that samples the training data.', {
    resources: resources('Resources of the container that reads images and writes the file.'),
    placement,
    deadlineSeconds,
  }),
  ...podFields,
});

const specSchema = object(
  'What is sampled, how much of it, and where the file goes.',
  {
    architecture: oneOf(tensorfileModules, 'The TLT module whose data loader and preprocessing are used.'),
    experimentSpec,
    dataRoot,
    maxBatches: integer('Batches that are written; the experiment spec says how many images are in one.', {
      minimum: 1,
      maximum: numberLimits.batches,
    }),
    useValidationSet: flag('Takes the validation set in place of the training set.', { default: false }),
    seed: integer('Seed of the sample: the same seed gives the same file.', {
      default: defaults.seed,
      minimum: 0,
      maximum: numberLimits.seed,
    }),
    maxBrokenPercent,
    output: object(
      'Where the file goes.',
      { uri: storageUri('A folder; the file lies below it under its content key.') },
      { required: ['uri'] },
    ),
    suspend: flag('Starts nothing, and suspends what runs, while true.', { default: false }),
    managedBy,
    jobs,
  },
  {
    required: [
      'architecture',
      'experimentSpec',
      'dataRoot',
      'maxBatches',
      'useValidationSet',
      'seed',
      'output',
      'suspend',
    ],
  },
);

const statusSchema = object(
  'What was found, done and made.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    key: text('Content key of the tensorfile below.', { maxLength: 64 }),
    tensorfile: object(
      'The tensorfile that is stored; it stays while another one is made.',
      {
        uri: text('Where it lies.', { maxLength: 2048 }),
        sha256: digest,
        sizeBytes,
        ...tensorfileFacts,
      },
      { required: ['uri', 'sha256', 'sizeBytes', 'batches', 'images'] },
    ),
    ...ledgerFields,
    progress: text('What is being done, in a few words.', { maxLength: 256 }),
    lastHandledRequest,
  },
  { default: unseen },
);

export const calibrationTensorfileSchema = object(
  'Samples training data into a tensorfile once, for int8 calibration: what tlt-int8-tensorfile does, as an object.',
  { spec: specSchema, status: statusSchema },
  { required: ['spec'], validations: labelName },
);

export type CalibrationTensorfileSpec = ValueOf<typeof specSchema>;
export type CalibrationTensorfileStatus = ValueOf<typeof statusSchema>;

export type CalibrationTensorfile = {
  readonly apiVersion: string;
  readonly kind: 'CalibrationTensorfile';
  readonly metadata: ObjectMeta;
  readonly spec: CalibrationTensorfileSpec;
  readonly status?: CalibrationTensorfileStatus;
};
