/** Alerts on the operator and on exports: the source of the PrometheusRule and of the runbook pages. */
import { ourControllers } from './selectors.ts';

export type Alert = {
  readonly name: string;
  /** PromQL. */
  readonly expression: string;
  /** How long the expression must hold, as a Prometheus duration. */
  readonly duration: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** One line; may use labels of the expression. */
  readonly summary: string;
  readonly runbook: Runbook;
};

export type Runbook = {
  readonly meaning: string;
  readonly impact: string;
  readonly diagnosis: readonly string[];
  readonly mitigation: readonly string[];
};

const logs = '`kubectl logs -n tlt-export-system deployment/tlt-export-operator`';

/** All alerts: rules of Prometheus, each with the content of its page. */
export const alerts: readonly Alert[] = [
  {
    name: 'TltExportOperatorDown',
    expression: 'absent(modelexport_build_info)',
    duration: '10m',
    severity: 'critical',
    summary: 'No replica of the TLT export operator is scraped.',
    runbook: {
      meaning: 'Prometheus has had no sample of the operator for 10 minutes.',
      impact: 'New and changed objects are not handled. Running Jobs continue; their results are read later.',
      diagnosis: [
        'Check that pods run: `kubectl get pods -n tlt-export-system`.',
        'If they run, check the target in Prometheus: the ServiceMonitor, the NetworkPolicy, and the ClusterRole `tlt-export-metrics-reader` of the account that scrapes.',
        `If they restart, read ${logs} with \`--previous\`.`,
      ],
      mitigation: [
        'Correct the Deployment or the scrape configuration. No state is lost: it is in the objects.',
      ],
    },
  },
  {
    name: 'TltExportNoLeader',
    expression: 'max(leader_election_master_status{name="tlt-export-operator"}) < 1',
    duration: '5m',
    severity: 'critical',
    summary: 'No replica of the TLT export operator holds the lease.',
    runbook: {
      meaning: 'Replicas run, but none has held the lease for 5 minutes.',
      impact: 'Nothing is reconciled.',
      diagnosis: [
        'Read the lease: `kubectl get lease -n tlt-export-system tlt-export-operator -o yaml`.',
        `Look for refused writes in ${logs}: the Role \`tlt-export-leader-election\` allows get, create and update.`,
      ],
      mitigation: [
        'Restore the Role and its binding. Delete the lease if its holder does not exist any more.',
      ],
    },
  },
  {
    name: 'TltExportReconcileErrors',
    expression: `sum by (controller) (rate(controller_runtime_reconcile_errors_total{${ourControllers}}[10m])) > 0.1`,
    duration: '15m',
    severity: 'warning',
    summary: 'Reconciles of {{ $labels.controller }} fail.',
    runbook: {
      meaning:
        'More than six reconciles a minute have failed for 15 minutes. Each is tried again with back-off.',
      impact: 'Some objects are handled late, or not at all.',
      diagnosis: [
        `Read the errors in ${logs}: each names the object and the answer of the apiserver.`,
        'Answers of 403 point to missing permissions, of 5xx to the apiserver, of 429 to its flow control.',
      ],
      mitigation: [
        'Apply the RBAC manifests of the installed version, or resolve the problem of the apiserver.',
      ],
    },
  },
  {
    name: 'TltExportDefect',
    expression: `sum by (controller) (increase(controller_runtime_reconcile_panics_total{${ourControllers}}[15m])) > 0`,
    duration: '0m',
    severity: 'warning',
    summary: 'A reconcile of {{ $labels.controller }} ended by a defect of the operator.',
    runbook: {
      meaning: 'The program raised an error that no input should cause.',
      impact: 'The object in question is not handled until the cause is gone.',
      diagnosis: [`Find the stack trace and the name of the object in ${logs}.`],
      mitigation: [
        'Report it with the stack trace and the object. Deleting and creating the object may help meanwhile.',
      ],
    },
  },
  {
    name: 'TltExportQueueStuck',
    expression: `max by (controller) (workqueue_longest_running_processor_seconds{${ourControllers}}) > 600`,
    duration: '5m',
    severity: 'warning',
    summary: 'One reconcile of {{ $labels.controller }} has run for more than 10 minutes.',
    runbook: {
      meaning:
        'A worker does not come back. Reconciles take milliseconds; every request has a time limit of 30 seconds.',
      impact: 'One object is not handled, and one worker fewer is at work.',
      diagnosis: [
        `Read ${logs}.`,
        'Compare `controller_runtime_active_workers` with `controller_runtime_max_concurrent_reconciles`.',
      ],
      mitigation: [
        'Restart the operator: `kubectl rollout restart -n tlt-export-system deployment/tlt-export-operator`. Report it.',
      ],
    },
  },
  {
    name: 'TltExportCacheStale',
    expression: 'max by (resource) (modelexport_informer_last_event_age_seconds) > 180',
    duration: '5m',
    severity: 'warning',
    summary: 'The cache of {{ $labels.resource }} has received nothing for more than 3 minutes.',
    runbook: {
      meaning:
        'The apiserver sends a bookmark about once a minute, so a watch that is silent for longer is broken.',
      impact: 'The operator does not see changes of this resource.',
      diagnosis: [
        'Check `modelexport_informer_watch_restarts_total`: reason `error` points to refused or failing watches.',
        `Read ${logs}.`,
      ],
      mitigation: [
        'Restore the network between the operator and the apiserver, or the permission to watch the resource.',
      ],
    },
  },
  {
    name: 'TltExportStalled',
    expression: 'modelexport_condition{condition="Stalled",status="True"} == 1',
    duration: '15m',
    severity: 'warning',
    summary:
      '{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }} is stalled: {{ $labels.reason }}.',
    runbook: {
      meaning: 'The operator cannot proceed until a person changes something.',
      impact: 'The object has no new artifacts. Those that status lists remain usable.',
      diagnosis: [
        'Read the message of the condition: `kubectl describe mex NAME -n NAMESPACE` (or `caltf`).',
        'Find the reason in [Conditions and reasons](../reference/conditions-and-reasons.md), which has the remedy.',
      ],
      mitigation: [
        'Apply the remedy. After a change outside of the object, request a new attempt: `kubectl annotate --overwrite mex/NAME -n NAMESPACE export.tlt.dev/requested-at="$(date)"`.',
      ],
    },
  },
  {
    name: 'TltExportEnginesWaiting',
    expression:
      'sum by (device_class, reason) (modelexport_engines{reason=~"NoMatchingNode|Unschedulable|DeviceClassMissing|JobRefused|PodRefused"}) > 0',
    duration: '6h',
    severity: 'info',
    summary:
      'Engines for device class {{ $labels.device_class }} have waited for 6 hours: {{ $labels.reason }}.',
    runbook: {
      meaning: 'Engines of this class cannot start, because no node, device or quota is free for them.',
      impact: 'Devices of this class have no engine, or an old one.',
      diagnosis: [
        'Compare the class with the nodes: `kubectl describe edc CLASS` lists matching nodes and the nearest mismatches.',
        'Read the message of the engine: `kubectl describe mex NAME -n NAMESPACE`.',
      ],
      mitigation: [
        'Add or free a node of the class, correct its selector, or raise the quota of the namespace.',
      ],
    },
  },
  {
    name: 'TltExportBuildsFail',
    expression:
      'sum by (stage, device_class) (increase(modelexport_builds_total{result="failed"}[6h])) >= 3 and sum by (stage, device_class) (increase(modelexport_builds_total{result="failed"}[6h])) > sum by (stage, device_class) (increase(modelexport_builds_total{result="succeeded"}[6h]) or 0 * modelexport_builds_total)',
    duration: '0m',
    severity: 'warning',
    summary:
      'Most {{ $labels.stage }} attempts{{ if $labels.device_class }} for {{ $labels.device_class }}{{ end }} fail.',
    runbook: {
      meaning: 'In the last 6 hours at least three attempts failed, and more failed than succeeded.',
      impact: 'A problem of a class, an image or a storage affects many exports.',
      diagnosis: [
        'Find the common reason: `sum by (reason) (increase(modelexport_builds_total{result="failed"}[6h]))`.',
        'Read `status.engines[*].attempts`, which names the nodes and Jobs.',
      ],
      mitigation: ['Apply the remedy of that reason; a node that fails alone can be cordoned.'],
    },
  },
];
