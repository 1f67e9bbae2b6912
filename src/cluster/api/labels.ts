/** All label and annotation keys that the operator writes or reads. */
import { installation } from '../../ground/contract/installation.ts';

/** Label keys, and the value that marks our objects. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  managedByValue: installation.operator,
  /** On every object of the installation. */
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  /** `calibration`, `export`, `engine` or `tensorfile`. */
  stage: 'export.tlt.dev/stage',
  deviceClass: 'export.tlt.dev/device-class',
  /** Content key of the artifact that the Job produces. */
  artifactKey: 'export.tlt.dev/artifact-key',
  /** Identifies the attempt to produce that artifact. */
  attempt: 'export.tlt.dev/attempt',
  /** Hash of the folder that the Job writes to. */
  folder: 'export.tlt.dev/folder',
  /** Hash of the Job's template. */
  template: 'export.tlt.dev/template',
  /** On pods with several volumes that one node has at a time: a hash of their claims. */
  volumes: 'export.tlt.dev/volumes',
  /** Of the pods of an Indexed Job, by Kubernetes: which part the pod does, from 0. */
  completionIndex: 'batch.kubernetes.io/job-completion-index',
  /** Kueue's label: the queue that admits the Job. */
  queue: 'kueue.x-k8s.io/queue-name',
} as const;

/**
 * Labels of Jobs and pods that name their owner, by its kind. They include the UID because a new object of the same name
 * is another owner.
 */
export const ownerLabels = {
  ModelExport: { name: 'export.tlt.dev/model-export', uid: 'export.tlt.dev/model-export-uid' },
  CalibrationTensorfile: {
    name: 'export.tlt.dev/calibration-tensorfile',
    uid: 'export.tlt.dev/calibration-tensorfile-uid',
  },
} as const;
/** A kind that owns Jobs. */
export type OwnerKind = keyof typeof ownerLabels;

/** Annotation keys. */
export const annotations = {
  /** On a ModelExport or CalibrationTensorfile: a new token requests another attempt at what failed. */
  requestedAt: 'export.tlt.dev/requested-at',
  /** On a ModelExport or CalibrationTensorfile: a new token requests a check of what is stored. */
  verifyRequestedAt: 'export.tlt.dev/verify-requested-at',
  /** On a Job: the operator suspended it, so the operator resumes it. */
  suspendedBy: 'export.tlt.dev/suspended-by',
  /** On a Job: maximum run time of its pod. */
  deadlineSeconds: 'export.tlt.dev/deadline-seconds',
} as const;
