/** Metrics of controller-runtime that the operator does not have, for the page of metrics. */

export type AbsentMetrics = {
  readonly names: readonly string[];
  /** Why the operator has nothing to count there. */
  readonly reason: string;
};

/** The version of controller-runtime that the operator is compared with. */
export const comparedVersion = '0.25.2';

/** All metrics of that version that `/metrics` lacks. */
export const absentMetrics: readonly AbsentMetrics[] = [
  {
    names: ['controller_runtime_terminal_reconcile_errors_total'],
    reason:
      'Every reconcile that fails is retried. An export that cannot succeed without a change is Stalled, and its reconcile succeeds: see `modelexport_condition`.',
  },
  {
    names: ['controller_runtime_reconcile_timeouts_total'],
    reason:
      'A reconcile has no time limit; each of its requests has one. One that hangs shows in `workqueue_longest_running_processor_seconds`.',
  },
  {
    names: ['leader_election_slowpath_total'],
    reason: 'The lease is read before each renewal, so there is no faster path to distinguish.',
  },
  {
    names: ['rest_client_dns_resolution_duration_seconds'],
    reason: 'Node.js resolves names as part of a connection, and connections are kept open.',
  },
  {
    names: ['rest_client_rate_limiter_duration_seconds'],
    reason: 'Requests are not limited by the client; the apiserver limits them by priority and fairness.',
  },
  {
    names: [
      'controller_runtime_webhook_latency_seconds',
      'controller_runtime_webhook_requests_total',
      'controller_runtime_webhook_requests_in_flight',
      'controller_runtime_webhook_panics_total',
      'controller_runtime_conversion_webhook_panics_total',
    ],
    reason: 'There are no webhooks: schemas and admission policies check objects.',
  },
  {
    names: ['certwatcher_read_certificate_total', 'certwatcher_read_certificate_errors_total'],
    reason: 'No certificate is read from a file: the one of `/metrics` is made at each start.',
  },
];
