/** Flags of the operator. Names use hyphens, like those of Kubernetes components. */
import type { FlagTable } from './flag-table.ts';
import { installation } from './installation.ts';
import { program } from './program.ts';

const operatorFlags = {
  'worker-image': {
    type: 'text',
    placeholder: 'IMAGE',
    default: `${installation.operator}:dev`,
    help: 'Image of the export, stage, publish and ONNX Runtime build containers.',
  },
  'rtx-image': {
    type: 'text',
    placeholder: 'IMAGE',
    default: `${installation.rtxImage}:dev`,
    help: 'Image of the TensorRT for RTX build container.',
  },
  'image-pull-secrets': {
    type: 'text',
    placeholder: 'NAMES',
    help: 'Pull secrets of the pods of all exports, separated by commas, before those of spec.jobs.imagePullSecrets. The Secrets are in the namespaces of the exports.',
  },
  namespace: {
    type: 'text',
    placeholder: 'NAMES',
    help: 'Watch only these namespaces, separated by commas. Default: all namespaces.',
  },
  'leader-elect': {
    type: 'switch',
    help: 'Hold a lease, so that only one of several replicas is active.',
  },
  'lease-namespace': {
    type: 'text',
    placeholder: 'NAME',
    default: installation.namespace,
    help: 'Namespace of the lease.',
  },
  'metrics-bind': {
    type: 'text',
    placeholder: 'HOST:PORT',
    default: '127.0.0.1:8080',
    help: 'Address of /metrics, and of the page if there is one.',
  },
  'metrics-secure': {
    type: 'switch',
    help: 'Serve /metrics over HTTPS, and only to clients whose token is authorised to get that path (TokenReview, SubjectAccessReview).',
  },
  'metrics-per-object': {
    type: 'choice',
    values: ['on', 'off'],
    default: 'on',
    help: 'Export metrics with one series per object (modelexport_condition). Turn this off if there are many thousands of objects.',
  },
  page: {
    type: 'switch',
    help: 'Serve a read-only page of all exports at /exports, at the address of /metrics and with the same authorisation.',
  },
  'probe-bind': {
    type: 'text',
    placeholder: 'HOST:PORT',
    default: '127.0.0.1:8081',
    help: 'Address of /healthz and /readyz.',
  },
  workers: {
    type: 'integer',
    minimum: 1,
    maximum: 64,
    placeholder: 'N',
    default: 4,
    help: 'Maximum number of ModelExports that are reconciled concurrently.',
  },
  'progress-seconds': {
    type: 'integer',
    minimum: 0,
    maximum: 3600,
    placeholder: 'N',
    default: 15,
    help: 'Seconds between two readings of the progress of a running pod from its log; the first is this long after its start. 0 turns it off; the operator then needs no permission to get pods/log.',
  },
  verbose: { type: 'switch', help: 'Log at debug level.' },
  help: { type: 'switch', aliases: ['h'], help: 'Show this help and exit.' },
} as const satisfies FlagTable;

/** The operator as a command-line program. */
export const operatorProgram = program({
  name: 'operator',
  summary: 'Runs the controllers of ModelExport, CalibrationTensorfile and ExportDeviceClass.',
  operands: { kind: 'none' },
  flags: operatorFlags,
  groups: [
    { title: 'Images', flags: ['worker-image', 'rtx-image', 'image-pull-secrets'] },
    { title: 'Scope', flags: ['namespace', 'workers', 'progress-seconds'] },
    { title: 'Leader election', flags: ['leader-elect', 'lease-namespace'] },
    {
      title: 'Endpoints',
      flags: ['metrics-bind', 'metrics-secure', 'metrics-per-object', 'page', 'probe-bind'],
    },
    { title: 'Output', flags: ['verbose', 'help'] },
  ],
  isFromTlt: false,
  details: ['Outside a pod, the operator connects to the cluster of KUBECONFIG.'],
  examples: [
    '# one of several replicas:',
    'operator --leader-elect',
    '# the exports of two namespaces:',
    'operator --namespace vision,radar --workers 2',
  ],
});
