/**
 * Templates of the objects for Prometheus and Grafana. Alerts and dashboard are files of the chart, because their own
 * templates look like Helm's.
 */
import { stringify } from 'yaml';
import { generated, type PublishedFile } from '../file.ts';
import { dashboard } from '../monitoring/dashboard.ts';
import { dashboardConfigMap } from '../monitoring/monitoring.ts';
import { prometheusRule, ruleGroups, serviceMonitor } from '../monitoring/prometheus.ts';
import { inRelease } from './in-release.ts';
import { entriesWhen, expression, templateFile, textOfFile, yamlOfFile } from './template.ts';

const alertsFile = 'files/alerts.yaml';
const dashboardFile = 'files/tlt-exports.json';

/** @param folder of the chart */
export const monitoringTemplates = (folder: string): readonly PublishedFile[] => [
  {
    path: `${folder}/${alertsFile}`,
    content: `# ${generated}\n${stringify(ruleGroups, { lineWidth: 110 })}`,
  },
  { path: `${folder}/${dashboardFile}`, content: `${JSON.stringify(dashboard(), undefined, 1)}\n` },
  templateFile(`${folder}/templates/monitoring.yaml`, [
    { around: 'if .Values.monitoring.serviceMonitor', objects: [inRelease(monitorWithValues())] },
    {
      around: 'if .Values.monitoring.prometheusRule',
      objects: [inRelease({ ...prometheusRule, spec: { groups: yamlOfFile(alertsFile) } })],
    },
    {
      around: 'if .Values.monitoring.dashboard',
      objects: [
        inRelease({ ...dashboardConfigMap, data: { 'tlt-exports.json': textOfFile(dashboardFile) } }),
      ],
    },
  ]),
];

/** HTTPS and a token only where the operator asks for them. */
const monitorWithValues = () => {
  const { spec, ...rest } = serviceMonitor;
  const [{ port, path, scheme: _, ...secure }] = spec.endpoints;
  const endpoint = {
    port,
    path,
    scheme: expression('{{ ternary "https" "http" .Values.metrics.secure }}'),
    ...entriesWhen('.Values.metrics.secure', secure),
  };
  return { ...rest, spec: { ...spec, endpoints: [endpoint] } };
};
