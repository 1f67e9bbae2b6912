/** CalibrationTensorfile: a sample of the training data, preprocessed as in training, stored in TLT's tensorfile format. */
import { defaults } from '../../ground/contract/defaults.ts';
import { tensorfileModules } from '../../ground/contract/flags.ts';
import { numberLimits } from '../../ground/contract/number-limits.ts';
import { digest, sizeBytes, tensorfileFacts } from '../../ground/contract/result-schema.ts';
import { flag, integer, object, oneOf, text, type ValueOf } from '../../ground/contract/schema.ts';
import { conditionsSchema } from './conditions.ts';
import { deadlineSeconds, managedBy, placement, podFields, resources } from './jobs-schema.ts';
import { lastHandledRequest, ledgerFields } from './ledger.ts';
import type { ObjectMeta } from './model-export.ts';
import { running } from './running.ts';
import { requireS3, s3 } from './s3.ts';
import {
  dataRoot,
  experimentSpec,
  fileUri,
  labelName,
  maxBrokenPercent,
  observedGeneration,
  progress,
  statusExtras,
  storageUri,
  suspend,
} from './shared-schemas.ts';

const jobs = object('Settings of the Job and its pod.', {
  tensorfile: object('The Job that samples the training data.', {
    resources: resources('Resources of the container that reads images and writes the file.'),
    placement,
    deadlineSeconds,
  }),
  ...podFields,
});

const specSchema = object(
  'Which training data to sample, how many batches, and where to store the file.',
  {
    architecture: oneOf(tensorfileModules, 'The TLT module whose data loader and preprocessing to use.'),
    experimentSpec,
    dataRoot,
    maxBatches: integer('Number of batches to write. The experiment spec sets the batch size.', {
      minimum: 1,
      maximum: numberLimits.batches,
    }),
    useValidationSet: flag('Sample the validation set instead of the training set.', { default: false }),
    seed: integer('Seed of the random sample. The same seed gives the same file.', {
      default: defaults.seed,
      minimum: 0,
      maximum: numberLimits.seed,
    }),
    maxBrokenPercent,
    output: object(
      'Where to store the file.',
      { uri: storageUri('A folder. The file is stored in a subfolder named by its content key.') },
      { required: ['uri'] },
    ),
    s3,
    suspend,
    managedBy,
    jobs,
  },
  {
    validations: [requireS3(['output.uri', 'experimentSpec.uri'])],
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
  'Observed state: conditions, the stored tensorfile, and the attempts to write it.',
  {
    observedGeneration,
    conditions: conditionsSchema,
    key: text('Content key of the tensorfile below.', { maxLength: 64 }),
    tensorfile: object(
      'The stored tensorfile. It is listed until a newer one replaces it.',
      {
        uri: fileUri,
        sha256: digest,
        sizeBytes,
        ...tensorfileFacts,
      },
      { required: ['uri', 'sha256', 'sizeBytes', 'batches', 'images'] },
    ),
    ...ledgerFields,
    running,
    progress,
    lastHandledRequest,
  },
  statusExtras,
);

/** Schema of the CalibrationTensorfile kind, from which its CRD, its types and its reference page follow. */
export const calibrationTensorfileSchema = object(
  'Samples training data into a tensorfile for int8 calibration. The Kubernetes counterpart of tlt-int8-tensorfile.',
  { spec: specSchema, status: statusSchema },
  { required: ['spec'], validations: labelName },
);

/** `spec`, with defaults filled in. */
export type CalibrationTensorfileSpec = ValueOf<typeof specSchema>;
/** `status`. */
export type CalibrationTensorfileStatus = ValueOf<typeof statusSchema>;

/** A CalibrationTensorfile as the apiserver returns it. */
export type CalibrationTensorfile = {
  readonly apiVersion: string;
  readonly kind: 'CalibrationTensorfile';
  readonly metadata: ObjectMeta;
  readonly spec: CalibrationTensorfileSpec;
  readonly status?: CalibrationTensorfileStatus;
};
