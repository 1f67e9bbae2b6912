/** Names of the installed objects. */
import { installation as names } from '../../ground/contract/installation.ts';
import { labels } from '../api/labels.ts';

/** Object names. Deployment, ServiceAccount, ClusterRole and their bindings share the operator's name. */
export const installation = {
  namespace: names.namespace,
  operator: names.operator,
  leaderElection: 'tlt-export-leader-election',
  metrics: names.metrics,
  /** Secret with the token of an account that may scrape. The user creates it. */
  metricsToken: 'tlt-export-metrics-token',
} as const;

/** Image names, which `images:` of a kustomization replaces. */
export const images = {
  /** Runs the operator, and the worker in its Jobs. */
  operator: names.operator,
  tensorRtRtx: names.rtxImage,
  tag: 'dev',
} as const;

/** Container ports of the operator. */
export const ports = { metrics: 8080, probes: 8081 } as const;

/** Selector of the operator's pods. A Deployment's selector is immutable, so it must not change between versions. */
export const selector = {
  [labels.name]: installation.operator,
  [labels.component]: 'controller',
} as const;

/** Labels of every installed object. */
export const installedLabels = { ...selector, [labels.partOf]: 'tlt-export' } as const;
