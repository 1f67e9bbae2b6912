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

export const prometheusRule = { apiVersion, kind: 'PrometheusRule', metadata, spec: { groups: ruleGroups } };

/** The certificate is made at each start, so it cannot be verified. */
const endpoint = {
  port: 'metrics',
  path: '/metrics',
  scheme: 'https',
  bearerTokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  tlsConfig: { insecureSkipVerify: true },
};

export const serviceMonitor = {
  apiVersion,
  kind: 'ServiceMonitor',
  metadata,
  spec: { selector: { matchLabels: selector }, endpoints: [endpoint] as const },
};
