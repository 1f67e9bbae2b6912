/** Every label and annotation key that the operator writes or reads. */
export const labels = {
  managedBy: 'app.kubernetes.io/managed-by',
  managedByValue: 'tlt-export-operator',
  /** On everything that is installed. */
  name: 'app.kubernetes.io/name',
  component: 'app.kubernetes.io/component',
  partOf: 'app.kubernetes.io/part-of',
  /** `export` or `engine`. */
  stage: 'export.tlt.dev/stage',
  deviceClass: 'export.tlt.dev/device-class',
  /** The export key or engine key that the Job makes. */
  artifactKey: 'export.tlt.dev/artifact-key',
} as const;

/** The object that a Job and its pods work for, by its kind. Its uid too: a new object of the same name is another owner. */
export const ownerLabels = {
  ModelExport: { name: 'export.tlt.dev/model-export', uid: 'export.tlt.dev/model-export-uid' },
} as const;
export type OwnerKind = keyof typeof ownerLabels;

export const annotations = {
  /** On a ModelExport: any new value asks for the export, and for what had failed, once more. */
  retry: 'export.tlt.dev/retry',
} as const;
