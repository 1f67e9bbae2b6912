/** Names of what an installation consists of, once for all manifests. */
import { installation as names } from '../../ground/contract/installation.ts';
import { labels } from '../api/labels.ts';

/** Deployment, ServiceAccount, ClusterRole and their bindings have the operator's name. */
export const installation = {
  namespace: names.namespace,
  operator: names.operator,
  leaderElection: 'tlt-export-leader-election',
  metrics: 'tlt-export-operator-metrics',
} as const;

/** The images by the names that `images:` of a kustomization replaces. */
export const images = {
  /** The operator, and the worker in the pods that it makes. */
  operator: names.operator,
  tensorRtRtx: names.rtxImage,
  tag: 'dev',
} as const;

export const ports = { metrics: 8080, probes: 8081 } as const;

/** What selects the operator's pods; it must not change between versions. */
export const selector = {
  [labels.name]: installation.operator,
  [labels.component]: 'controller',
} as const;

export const installedLabels = { ...selector, [labels.partOf]: 'tlt-export' } as const;
