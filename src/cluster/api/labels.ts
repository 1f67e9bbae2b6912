/** Every label and annotation key that the operator writes or reads. */
import { installation } from '../../ground/contract/installation.ts';

export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  managedByValue: installation.operator,
  /** On everything that is installed. */
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  /** `export`, `engine` or `tensorfile`. */
  stage: 'export.tlt.dev/stage',
  deviceClass: 'export.tlt.dev/device-class',
  /** The content key of what the Job makes. */
  artifactKey: 'export.tlt.dev/artifact-key',
  /** Which try it is for that content. */
  attempt: 'export.tlt.dev/attempt',
  /** Hash of the folder that the Job writes to. */
  folder: 'export.tlt.dev/folder',
  /** Hash of what the Job was made from. */
  template: 'export.tlt.dev/template',
  /** Of Kueue: the queue that admits a Job. */
  queue: 'kueue.x-k8s.io/queue-name',
} as const;

/** The object that a Job and its pods work for, by its kind. Its uid too: a new object of the same name is another owner. */
export const ownerLabels = {
  ModelExport: { name: 'export.tlt.dev/model-export', uid: 'export.tlt.dev/model-export-uid' },
  CalibrationTensorfile: {
    name: 'export.tlt.dev/calibration-tensorfile',
    uid: 'export.tlt.dev/calibration-tensorfile-uid',
  },
} as const;
export type OwnerKind = keyof typeof ownerLabels;

export const annotations = {
  /** On a ModelExport or CalibrationTensorfile: a new token asks for another try of what has failed. */
  requestedAt: 'export.tlt.dev/requested-at',
  /** On a ModelExport or CalibrationTensorfile: a new token asks for a check of what is stored. */
  verifyRequestedAt: 'export.tlt.dev/verify-requested-at',
  /** On a Job: the operator suspended it, so the operator resumes it. */
  suspendedBy: 'export.tlt.dev/suspended-by',
  /** On a Job: how long the operator lets its pod run. */
  deadlineSeconds: 'export.tlt.dev/deadline-seconds',
} as const;

/** The value of spec.managedBy for this operator, which is also what an absent value means. */
export const managedByUs = 'export.tlt.dev/operator';
