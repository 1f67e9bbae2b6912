/**
 * Templates of the objects for Prometheus and Grafana. Alerts and dashboard are files of the chart, because their own
 * templates look like Helm's.
 */
import { stringify } from 'yaml';
import { generated, type PublishedFile } from '../file.ts';
import { dashboard } from '../monitoring/dashboard.ts';
import { dashboardConfigMap } from '../monitoring/monitoring.ts';
import { podMonitor, prometheusRule, ruleGroups, serviceMonitor } from '../monitoring/prometheus.ts';
import { inRelease } from './in-release.ts';
import { entriesWhen, expression, refuseIf, templateFile, textOfFile, yamlOfFile } from './template.ts';

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
    refuseIf(
      'and .Values.monitoring.serviceMonitor .Values.monitoring.podMonitor',
      'monitoring.serviceMonitor and monitoring.podMonitor are both true, which scrapes each pod twice: set one of them.',
    ),
    { around: 'if .Values.monitoring.serviceMonitor', objects: [inRelease(serviceMonitorWithValues())] },
    { around: 'if .Values.monitoring.podMonitor', objects: [inRelease(podMonitorWithValues())] },
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
const withValues = <T extends Scraped>({ port, path, scheme: _, ...secure }: T) => ({
  port,
  path,
  scheme: expression('{{ ternary "https" "http" .Values.metrics.secure }}'),
  ...entriesWhen('.Values.metrics.secure', secure),
});

type Scraped = { readonly port: string; readonly path: string; readonly scheme: string };

const serviceMonitorWithValues = () => {
  const { spec, ...rest } = serviceMonitor;
  return { ...rest, spec: { ...spec, endpoints: [withValues(spec.endpoints[0])] } };
};

const podMonitorWithValues = () => {
  const { spec, ...rest } = podMonitor;
  const name = expression('{{ .Values.monitoring.podMonitorTokenSecret | quote }}');
  const [endpoint] = spec.podMetricsEndpoints;
  const authorization = { credentials: { ...endpoint.authorization.credentials, name } };
  return { ...rest, spec: { ...spec, podMetricsEndpoints: [withValues({ ...endpoint, authorization })] } };
};
