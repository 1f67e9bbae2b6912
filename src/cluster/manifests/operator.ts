/** The operator's namespace, Deployment and Service. The pod meets the restricted Pod Security Standard. */

import { installation as names } from '../../ground/contract/installation.ts';
import { operatorNodeFlags } from '../../ground/contract/memory.ts';
import {
  containerSecurityContext,
  podSecurityDefaults,
  terminationMessagePolicy,
} from '../api/container-security.ts';
import { nodeLabels } from '../api/node-labels.ts';
import { images, installation, installedLabels, ports, selector } from './names.ts';

/** The operator's Namespace. */
export const namespace = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: installation.namespace,
    labels: {
      ...installedLabels,
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/audit': 'restricted',
      'pod-security.kubernetes.io/warn': 'restricted',
    },
  },
} as const;

const probe = (path: string, periodSeconds: number) => ({
  httpGet: { path, port: 'probes' },
  periodSeconds,
  timeoutSeconds: 5,
});

/** Image names are in environment variables, where kustomize can replace them (see image-fields.yaml). */
const env = [
  { name: 'WORKER_IMAGE', value: `${images.operator}:${images.tag}` },
  { name: 'RTX_IMAGE', value: `${images.tensorRtRtx}:${images.tag}` },
  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
] as const;

const container = {
  name: 'operator',
  image: `${images.operator}:${images.tag}`,
  imagePullPolicy: 'IfNotPresent',
  command: ['node'],
  args: [
    ...operatorNodeFlags,
    '/app/dist/operator.js',
    '--worker-image=$(WORKER_IMAGE)',
    '--rtx-image=$(RTX_IMAGE)',
    `--metrics-bind=:${ports.metrics}`,
    '--metrics-secure',
    `--probe-bind=:${ports.probes}`,
    '--leader-elect',
    '--lease-namespace=$(POD_NAMESPACE)',
  ],
  env,
  ports: [
    { name: 'metrics', containerPort: ports.metrics },
    { name: 'probes', containerPort: ports.probes },
  ],
  startupProbe: { ...probe('/healthz', 2), failureThreshold: 30 },
  livenessProbe: { ...probe('/healthz', 20), failureThreshold: 3 },
  readinessProbe: probe('/readyz', 5),
  resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  securityContext: containerSecurityContext,
  terminationMessagePolicy,
  volumeMounts: [{ name: 'temporary', mountPath: '/tmp' }],
} as const;

/** Time to drain, then to release the lease and to close connections. */
const terminationGracePeriodSeconds = names.drainSeconds + 25;

/** Prefers replicas on different nodes and in different zones. A replica is scheduled even if neither is possible. */
export const topologySpreadConstraints = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map(
  (topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
    matchLabelKeys: ['pod-template-hash'],
  }),
);

/** The operator's Deployment. */
export const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: installation.operator,
    namespace: installation.namespace,
    labels: installedLabels,
  },
  spec: {
    replicas: 1,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: installedLabels },
      spec: {
        serviceAccountName: installation.operator,
        terminationGracePeriodSeconds,
        enableServiceLinks: false,
        nodeSelector: { [nodeLabels.os]: 'linux' },
        topologySpreadConstraints,
        securityContext: {
          ...podSecurityDefaults,
          runAsUser: names.uid,
          runAsGroup: names.uid,
        },
        containers: [container],
        volumes: [{ name: 'temporary', emptyDir: { sizeLimit: '64Mi' } }],
      },
    },
  },
} as const;

/** Lets a drain evict one replica at a time, including the only one. */
export const disruptionBudget = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: {
    name: installation.operator,
    namespace: installation.namespace,
    labels: installedLabels,
  },
  spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
} as const;

/** The Service that Prometheus scrapes. */
export const metricsService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: installation.metrics,
    namespace: installation.namespace,
    labels: installedLabels,
  },
  spec: { selector, ports: [{ name: 'metrics', port: ports.metrics, targetPort: 'metrics' }] },
} as const;
