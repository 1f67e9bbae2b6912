/** `deploy/components/monitoring`, the list of alerts, and one runbook page per alert. */
import { markdownFile, markdownTable, type PublishedFile, yamlFile } from '../file.ts';
import { installation, installedLabels } from '../names.ts';
import { type Alert, alerts } from './alerts.ts';
import { dashboard } from './dashboard.ts';
import { podMonitor, prometheusRule, runbookPath, serviceMonitor } from './prometheus.ts';
import { stateMetricsConfig } from './state-metrics.ts';

const folder = 'deploy/components/monitoring';
const podMonitorFolder = 'deploy/components/pod-monitor';

/** Grafana's sidecar loads ConfigMaps with this label. */
export const dashboardConfigMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: `${installation.operator}-dashboard`,
    namespace: installation.namespace,
    labels: { ...installedLabels, grafana_dashboard: '1' },
  },
  data: { 'tlt-exports.json': JSON.stringify(dashboard(), undefined, 1) },
};

const component = { apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component' } as const;

/** Removes the ServiceMonitor of a component that is listed earlier, so that no pod is scraped twice. */
const withoutServiceMonitor = (() => {
  const { kind, apiVersion, metadata } = serviceMonitor;
  const target = { kind, name: metadata.name };
  const patch = `$patch: delete\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${metadata.name} }\n`;
  return { target, patch };
})();

/** The components for kustomize, the dashboard and the configuration of kube-state-metrics. */
export const monitoringFiles = (): readonly PublishedFile[] => [
  yamlFile(`${folder}/prometheus-rule.yaml`, [prometheusRule]),
  yamlFile(`${folder}/service-monitor.yaml`, [serviceMonitor]),
  yamlFile(`${folder}/dashboard.yaml`, [dashboardConfigMap]),
  yamlFile(`${folder}/kustomization.yaml`, [
    { ...component, resources: ['prometheus-rule.yaml', 'service-monitor.yaml', 'dashboard.yaml'] },
  ]),
  yamlFile(`${podMonitorFolder}/pod-monitor.yaml`, [podMonitor]),
  yamlFile(`${podMonitorFolder}/kustomization.yaml`, [
    { ...component, resources: ['pod-monitor.yaml'], patches: [withoutServiceMonitor] },
  ]),
  yamlFile('deploy/monitoring/kube-state-metrics.yaml', [stateMetricsConfig]),
  {
    path: 'deploy/monitoring/grafana-dashboard.json',
    content: `${JSON.stringify(dashboard(), undefined, 2)}\n`,
  },
  alertsPage(),
  ...alerts.map(runbookPage),
];

/** All alerts on one page. */
const alertsPage = (): PublishedFile =>
  markdownFile('docs/reference/alerts.md', 'Alerts', [
    'Each alert names its runbook page in the annotation `runbook`, as a path in this repository.',
    markdownTable(
      ['Alert', 'Severity', 'Fires after', 'Meaning'],
      alerts.map(({ name, severity, duration, runbook }) => [
        `[${name}](../runbooks/${name}.md)`,
        severity,
        duration,
        runbook.meaning,
      ]),
    ),
  ]);

const listed = (sentences: readonly string[]): string => sentences.map((each) => `- ${each}`).join('\n');

const runbookPage = ({ name, expression, duration, severity, runbook }: Alert): PublishedFile =>
  markdownFile(runbookPath(name), name, [
    `Severity ${severity}. Fires when this holds for ${duration}:`,
    `\`\`\`promql\n${expression}\n\`\`\``,
    '## Meaning',
    runbook.meaning,
    '## Impact',
    runbook.impact,
    '## Diagnosis',
    listed(runbook.diagnosis),
    '## Mitigation',
    listed(runbook.mitigation),
  ]);
