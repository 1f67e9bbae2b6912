/**
 * NetworkPolicies. The operator accepts connections only from Prometheus and connects only to DNS and the apiserver. Pods
 * of Jobs have their claims mounted and need no network.
 */
import { labels } from '../api/labels.ts';
import { installation, installedLabels, ports, selector } from './names.ts';

const apiVersion = 'networking.k8s.io/v1';
const kind = 'NetworkPolicy';

/** Usual ports of the apiserver behind its Service. */
const apiserverPorts = [443, 6443] as const;

/** Label of namespaces that may scrape metrics. */
export const scraperLabel = { 'export.tlt.dev/metrics': 'scraper' } as const;

/** Policy for the operator's pods. */
export const operatorPolicy = (namespace: string) => ({
  apiVersion,
  kind,
  metadata: { name: installation.operator, namespace, labels: installedLabels },
  spec: {
    podSelector: { matchLabels: selector },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: scraperLabel } }],
        ports: [{ port: ports.metrics, protocol: 'TCP' }],
      },
    ],
    egress: [
      { ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) },
      { ports: apiserverPorts.map((port) => ({ port, protocol: 'TCP' })) },
    ],
  },
});

/** Policy that denies all traffic of Job pods. Without `namespace` it applies to the namespace it is created in. */
export const jobsPolicy = (namespace?: string) => ({
  apiVersion,
  kind,
  metadata: { name: 'tlt-export-jobs', ...(namespace && { namespace }), labels: installedLabels },
  spec: {
    podSelector: { matchExpressions: [{ key: labels.stage, operator: 'Exists' }] },
    policyTypes: ['Ingress', 'Egress'],
  },
});
