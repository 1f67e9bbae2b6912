/** Path of the page of all exports. */
export const exportsPath = '/exports';

/** Names of an installation, for the operator, its manifests and the pods that it creates. */
export const installation = {
  namespace: 'tlt-export-system',
  /** Deployment, ServiceAccount, lease, field manager; also the image of the operator and the worker. */
  operator: 'tlt-export-operator',
  /** Service of the metrics endpoint, and the host name in its certificate. */
  metrics: 'tlt-export-operator-metrics',
  /** The operator in `spec.managedBy` and in events. */
  controller: 'export.tlt.dev/operator',
  rtxImage: 'tlt-export-tensorrt-rtx',
  /** uid and gid of every container of ours; `USER` in the Dockerfile. */
  uid: 65532,
  /** How long the operator finishes work in progress after a stop. */
  drainSeconds: 20,
} as const;
