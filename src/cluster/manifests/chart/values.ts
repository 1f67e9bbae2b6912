/** The values of the Helm chart: the source of values.yaml, of its JSON schema, and of the reference page. */
import { flag, integer, list, map, object, oneOf, quantity, text } from '../../../ground/contract/schema.ts';
import { nodeSelector, tolerations } from '../../api/shared-schemas.ts';
import { images, installation } from '../names.ts';

const image = (description: string, repository: string) =>
  object(description, {
    repository: text('Name of the image, after images.registry.', { default: repository, minLength: 1 }),
    tag: text('Tag. Empty: the version of the chart. Ignored if a digest is set.', {
      default: '',
      maxLength: 128,
    }),
    digest: text(
      'Digest, for example sha256:… with 64 hexadecimal digits. Use it in production: a tag can change.',
      {
        default: '',
        pattern: '^(sha256:[0-9a-f]{64})?$',
      },
    ),
  });

const amount = (description: string, standard?: string) =>
  quantity(description, {
    pattern: '^[0-9]+([.][0-9]+)?([numkMGTPE]|[KMGTPE]i)?$',
    ...(standard !== undefined && { default: standard }),
  });

const secretNames = list('', text('Name of a Secret.', { minLength: 1 }), { maxItems: 16 });

const lines = (description: string, entry: string) =>
  list(description, text(entry, { minLength: 1, maxLength: 1024 }), { maxItems: 256 });

/** Schema of values.yaml. */
export const chartValues = object('Values of the chart tlt-export-operator.', {
  crds: object('CustomResourceDefinitions.', {
    install: flag('Install and upgrade the CRDs. Set it to false where another release or kubectl does so.', {
      default: true,
    }),
    keep: flag('Keep the CRDs, and with them every object of users, when the release is uninstalled.', {
      default: true,
    }),
  }),
  watchNamespaces: list(
    'Namespaces to watch, which exist already. The operator then has Roles in these namespaces instead of a ClusterRole. Empty: all namespaces.',
    text('A namespace.', { maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
    { maxItems: 64 },
  ),
  rbac: object('Roles.', {
    clusterReader: flag(
      'With watchNamespaces: create the ClusterRoles that read nodes and device classes and authorise metrics. False: an administrator binds such a role to the ServiceAccount, and the release has no cluster-scoped object.',
      { default: true },
    ),
    userRoles: flag('Create ClusterRoles for users, which extend the built-in roles view, edit and admin.', {
      default: true,
    }),
  }),
  images: object('Images of the operator and of the Jobs that it creates.', {
    registry: text('Registry and path in front of both names, for example registry.example.com/tlt.', {
      default: '',
    }),
    operator: image('Runs the operator, and the worker in its Jobs.', images.operator),
    tensorRtRtx: image('Builds engines with TensorRT for RTX.', images.tensorRtRtx),
    pullPolicy: oneOf(
      ['Always', 'IfNotPresent', 'Never'],
      'When the kubelet pulls the image of the operator.',
      {
        default: 'IfNotPresent',
      },
    ),
  }),
  imagePullSecrets: {
    ...secretNames,
    description:
      'Names of pull secrets, for the operator and for the pods of all exports. The Secrets must exist in the namespace of the release and in those of the exports.',
  },
  replicas: integer('Replicas. One is active; with more than one there is a PodDisruptionBudget.', {
    default: 2,
    minimum: 1,
    maximum: 5,
  }),
  priorityClassName: text('PriorityClass of the operator, for example system-cluster-critical.', {
    default: '',
  }),
  nodeSelector: {
    ...nodeSelector,
    description: 'Labels that the nodes of the operator must have, in addition to kubernetes.io/os: linux.',
  },
  tolerations: { ...tolerations, description: 'Tolerations of the operator.' },
  podAnnotations: map('Annotations of the pods of the operator.', text('A value.', { maxLength: 4096 }), {
    maxProperties: 32,
  }),
  serviceAccountAnnotations: map(
    'Annotations of the ServiceAccount of the operator.',
    text('A value.', { maxLength: 4096 }),
    { maxProperties: 32 },
  ),
  resources: object('Resources of the operator.', {
    requests: object('Requests.', { cpu: amount('CPU.', '50m'), memory: amount('Memory.', '128Mi') }),
    limits: object('Limits.', {
      cpu: amount('CPU. Default: no limit.'),
      memory: amount('Memory.', '512Mi'),
    }),
  }),
  workers: integer('Maximum number of ModelExports that are reconciled concurrently.', {
    default: 4,
    minimum: 1,
    maximum: 64,
  }),
  progressSeconds: integer(
    'How often the progress of a running pod is read from its log, in seconds. 0: never, and the operator has no permission to get pods/log.',
    { default: 15, minimum: 0, maximum: 3600 },
  ),
  verbose: flag('Log at debug level.', { default: false }),
  metrics: object('Metrics.', {
    secure: flag(
      'Serve /metrics over HTTPS, and only to clients whose token is authorised to get that path.',
      { default: true },
    ),
    perObject: flag(
      'Series of its own for each object, which the alert on stalled objects needs. Turn it off with many thousands of objects.',
      { default: true },
    ),
  }),
  page: flag(
    'Serve a read-only page of all exports at /exports, at the address of /metrics and with the same authorisation.',
    { default: false },
  ),
  monitoring: object('Objects for Prometheus and Grafana.', {
    serviceMonitor: flag('Create a ServiceMonitor. Needs the CRDs of the Prometheus operator.', {
      default: false,
    }),
    podMonitor: flag(
      'Create a PodMonitor, in place of a ServiceMonitor. Needs the CRDs of the Prometheus operator.',
      { default: false },
    ),
    podMonitorTokenSecret: text(
      'With podMonitor and metrics.secure: name of a Secret in the namespace of the release, whose key `token` has the token of an account that may get /metrics.',
      { default: installation.metricsToken, minLength: 1 },
    ),
    prometheusRule: flag(
      'Create a PrometheusRule with the alerts. Needs the CRDs of the Prometheus operator.',
      {
        default: false,
      },
    ),
    dashboard: flag(
      'Create a ConfigMap with the dashboard, with the label that the sidecar of Grafana looks for.',
      {
        default: false,
      },
    ),
  }),
  networkPolicy: object('NetworkPolicies.', {
    enabled: flag('Restrict traffic of the operator to metrics, DNS and the apiserver.', { default: true }),
    exports: flag(
      'With watchNamespaces: deny all traffic of the pods of exports, which need none without object storage.',
      { default: true },
    ),
    objectStorage: list(
      'With watchNamespaces: servers of object storage that the pods of exports may reach, and with them DNS.',
      object(
        'A server.',
        {
          cidr: text('Its addresses, for example 10.20.0.5/32.', { minLength: 1, maxLength: 64 }),
          port: integer('Its port.', { minimum: 1, maximum: 65_535 }),
        },
        { required: ['cidr', 'port'] },
      ),
      { maxItems: 32 },
    ),
  }),
  imageAllowList: object(
    'Admission policies for the images that users may name in codecs and device classes.',
    {
      enabled: flag('Reject images that are in neither list. One release in a cluster may have it.', {
        default: false,
      }),
      codecs: lines(
        'Allowed spec.codec of ModelExports.',
        'Image by digest and the entries of its command, separated by single spaces.',
      ),
      builders: lines('Allowed spec.engine.image of ExportDeviceClasses.', 'Image by digest.'),
    },
  ),
});
