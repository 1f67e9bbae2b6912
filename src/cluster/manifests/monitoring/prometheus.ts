/** Objects of the Prometheus operator: alerts and scrape configuration. */
import { installation, installedLabels, selector } from '../names.ts';
import { type Alert, alerts } from './alerts.ts';

const apiVersion = 'monitoring.coreos.com/v1';

const metadata = { name: installation.operator, namespace: installation.namespace, labels: installedLabels };

const ruleOf = ({ name, expression, duration, severity, summary, runbook }: Alert) => ({
  alert: name,
  expr: expression,
  for: duration,
  labels: { severity },
  annotations: { summary, description: runbook.meaning, runbook: runbookPath(name) },
});

/** Path of the page about an alert, in this repository. */
export const runbookPath = (alert: string): string => `docs/runbooks/${alert}.md`;

/** Groups of rules, as a rule file of Prometheus has them. */
export const ruleGroups = [{ name: 'tlt-export', rules: alerts.map(ruleOf) }];

/** The rules for the Prometheus operator. */
export const prometheusRule = { apiVersion, kind: 'PrometheusRule', metadata, spec: { groups: ruleGroups } };

const endpoint = { port: 'metrics', path: '/metrics', scheme: 'https' } as const;

/** The certificate is made at each start, so it cannot be verified. */
const tlsConfig = { insecureSkipVerify: true } as const;

const bearerTokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** For a Prometheus that discovers Services; it sends the token of its own account. */
export const serviceMonitor = {
  apiVersion,
  kind: 'ServiceMonitor',
  metadata,
  spec: {
    selector: { matchLabels: selector },
    endpoints: [{ ...endpoint, bearerTokenFile, tlsConfig }] as const,
  },
};

/**
 * For a Prometheus that discovers pods and not Services. A PodMonitor cannot name a token file, so the token of an account that
 * may get /metrics is in a Secret.
 */
export const podMonitor = {
  apiVersion,
  kind: 'PodMonitor',
  metadata,
  spec: {
    selector: { matchLabels: selector },
    podMetricsEndpoints: [
      {
        ...endpoint,
        authorization: { credentials: { name: installation.metricsToken, key: 'token' } },
        tlsConfig,
      },
    ] as const,
  },
};
