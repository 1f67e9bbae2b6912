/** Every label and annotation key that the operator writes or reads. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  managedByValue: 'tlt-export-operator',
  /** On everything that is installed. */
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  /** `export`, `engine` or `tensorfile`. */
  stage: 'export.tlt.dev/stage',
  deviceClass: 'export.tlt.dev/device-class',
  /** The content key of what the Job makes. */
  artifactKey: 'export.tlt.dev/artifact-key',
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
  /** On a ModelExport or CalibrationTensorfile: any new value asks for it, and for what had failed, once more. */
  retry: 'export.tlt.dev/retry',
} as const;

type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };

/** The value of the retry annotation, empty if there is none. */
export const retryOf = ({ metadata }: Annotated): string => metadata.annotations?.[annotations.retry] ?? '';
